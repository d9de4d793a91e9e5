"""``twistd yektayar-ws``: Socket.IO and native WebSocket on one port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.application.service import IService

from yekta.services.options import ServiceOptions

if TYPE_CHECKING:
    from yekta.edge.site import WebSocketPort
    from yekta.services.node import Node


class Options(ServiceOptions):
    """``twistd yektayar-ws --help``."""

    service = "yektayar-ws"
    synopsis = "[options]"

    def root(self, node: Node) -> WebSocketPort:
        from yekta.services import ports

        return ports.ws(node)


def makeService(options: Options) -> IService:
    """Called by twistd."""
    # Not before the options have chosen a reactor: most of what is behind these imports one.
    from twisted.internet import reactor

    from yekta.services.making import make_service

    return make_service(reactor, options, options["settings"].websocket_port)
