"""``twistd yektayar-ws``: Socket.IO and native WebSocket on one port."""

from __future__ import annotations

from twisted.application.service import IService
from twisted.web.resource import IResource

from yekta.edge.site import WebSocketPort
from yekta.services import config
from yekta.services.making import make_service
from yekta.services.node import Node


class Options(config.Options):
    """``twistd yektayar-ws --help``."""

    service = "yektayar-ws"
    synopsis = "[options]"


def makeService(options: Options) -> IService:
    """Called by twistd."""
    from twisted.internet import reactor

    return make_service(reactor, options, options["settings"].websocket_port, root)


def root(node: Node) -> IResource:
    """What answers on the port."""
    return WebSocketPort(
        node.socketio_resource,
        node.native,
        node.origins,
        websocket_path=node.settings.websocket_path,
    )
