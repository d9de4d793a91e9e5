"""``twistd yektayar-bench``: yektayar-api as it is, with three more events that all servers of the comparison have.

Authentication, limits, the database and metrics are on, and the options are those of yektayar-api.
"""

from __future__ import annotations

from twisted.application.service import IService

from yekta.services.options import ServiceOptions


class Options(ServiceOptions):
    """``twistd yektayar-bench --help``."""

    service = "yektayar-bench"


def makeService(options: Options) -> IService:
    """Called by twistd."""
    # Not before the options have chosen a reactor.
    from bench_events import root
    from twisted.internet import reactor

    from yekta.services.making import make_service

    return make_service(reactor, options, options["settings"].port, root)
