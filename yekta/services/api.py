"""``twistd yektayar-api``: REST, Socket.IO, native WebSocket on one path, and the pages."""

from __future__ import annotations

from twisted.application.service import IService
from twisted.web.resource import IResource

from yekta.edge.rest import Rest
from yekta.edge.rest_ai import RestAi
from yekta.edge.site import ApiPort
from yekta.services import config
from yekta.services.making import make_service
from yekta.services.node import Node


class Options(config.Options):
    """``twistd yektayar-api --help``."""

    service = "yektayar-api"
    synopsis = "[options]"


def makeService(options: Options) -> IService:
    """Called by twistd."""
    from twisted.internet import reactor

    return make_service(reactor, options, options["settings"].port, root)


def root(node: Node) -> IResource:
    """What answers on the port."""
    settings = node.settings
    ai = RestAi(
        node.reactor, node.sessions, node.counselor, node.conversations, node.health, node.timestamps
    )
    rest = Rest(
        node.sessions,
        node.accounts,
        ai,
        node.health,
        node.timestamps,
        node.origins,
        node.native.dispatcher.events,
        websocket_path=settings.websocket_path,
        legacy_status=settings.legacy_status,
    )
    return ApiPort(
        node.socketio_resource,
        node.native,
        rest.klein().resource(),
        node.origins,
        websocket_path=settings.websocket_path,
        console=settings.console,
    )
