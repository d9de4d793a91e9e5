"""``twistd yektayar-bench``: yektayar-api as it is, with three more events that all servers of the comparison have.

Authentication, limits, the database and metrics are on, and the options are those of yektayar-api.
"""

from __future__ import annotations

from twisted.application.service import IService

from yekta.services import config


class Options(config.Options):
    """``twistd yektayar-bench --help``."""

    service = "yektayar-bench"


def makeService(options: Options) -> IService:
    """Called by twistd."""
    # Not before the options have chosen a reactor.
    from bench_events import root
    from twisted.internet import reactor

    from yekta.services.service import Gateway, begin_log

    settings: config.Settings = options["settings"]
    logs = begin_log(reactor, Options.service, settings, options)
    gateway: IService = Gateway(reactor, Options.service, settings, settings.port, root, logs)
    return gateway
