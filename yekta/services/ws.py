"""``twistd yektayar-ws``: Socket.IO and native WebSocket on one port."""

from __future__ import annotations

import os

from twisted.application.service import IService
from twisted.web.resource import IResource

from yekta.edge.site import WebSocketPort
from yekta.services import config
from yekta.services.herald import systemd
from yekta.services.node import Node
from yekta.services.service import Gateway


class Options(config.Options):
    """``twistd yektayar-ws --help``."""

    service = "yektayar-ws"
    synopsis = "[options]"


def makeService(options: Options) -> IService:
    """Called by twistd."""
    from twisted.internet import reactor

    settings: config.Settings = options["settings"]
    gateway: IService = Gateway(
        reactor,
        Options.service,
        settings,
        settings.websocket_port,
        root,
        herald=systemd(reactor, os.environ),
        read=options.read,
    )
    return gateway


def root(node: Node) -> IResource:
    """What answers on the port."""
    return WebSocketPort(
        node.socketio_resource,
        node.native,
        node.origins,
        websocket_path=node.settings.websocket_path,
    )
