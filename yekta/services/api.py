"""``twistd yektayar-api``: REST, Socket.IO, native WebSocket on one path, and the pages."""

from __future__ import annotations

from twisted.application.service import IService

from yekta.services.options import ServiceOptions


class Options(ServiceOptions):
    """``twistd yektayar-api --help``."""

    service = "yektayar-api"
    synopsis = "[options]"


def makeService(options: Options) -> IService:
    """Called by twistd."""
    # Not before the options have chosen a reactor: most of what is behind these imports one.
    from twisted.internet import reactor

    from yekta.services import ports
    from yekta.services.making import make_service

    return make_service(reactor, options, options["settings"].port, ports.api)
