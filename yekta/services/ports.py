"""What answers on the port of each service."""

from __future__ import annotations

from yekta.app.allowance import Allowance
from yekta.edge.health import Vitals
from yekta.edge.rest import Rest
from yekta.edge.rest_ai import RestAi
from yekta.edge.rest_auth import RestAuth
from yekta.edge.site import ApiPort, WebSocketPort
from yekta.services.node import Node


def api(node: Node) -> ApiPort:
    """Port 3000: REST, Socket.IO, native WebSocket on one path, and the pages."""
    settings = node.settings
    most = settings.new_sessions_per_address
    new_sessions = Allowance(node.reactor, most) if most else None
    ai = RestAi(
        node.reactor, node.sessions, node.counselor, node.conversations, node.health, node.timestamps
    )
    rest = Rest(
        RestAuth(node.sessions, node.accounts, settings.trusted_proxies, new_sessions),
        ai,
        Vitals(node.health, node.timestamps),
        node.origins,
        node.dispatcher.events,
        websocket_path=settings.websocket_path,
        legacy_status=settings.legacy_status,
    )
    return ApiPort(
        node.socketio_resource,
        node.native,
        rest,
        node.origins,
        websocket_path=settings.websocket_path,
        console=settings.console,
    )


def ws(node: Node) -> WebSocketPort:
    """Port 3500: Socket.IO and native WebSocket."""
    return WebSocketPort(
        node.socketio_resource,
        node.native,
        Vitals(node.health, node.timestamps),
        node.origins,
        websocket_path=node.settings.websocket_path,
    )
