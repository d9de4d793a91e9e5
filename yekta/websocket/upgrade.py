"""From an HTTP request to a WebSocket on the same connection (RFC 6455, 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.protocols.policies import ProtocolWrapper
from twisted.web import http

from yekta.web.channel import head_of, surrender
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.interfaces import IReceiver
from yekta.websocket.protocol import WebSocket


def upgrade(
    request: http.Request, factory: WebSocketFactory, receiver: IReceiver, headers: Mapping[str, str] = {}
) -> None:
    """Give the connection of ``request`` to a new WebSocket that tells ``receiver``.

    Autobahn reads the request once more and answers it: 101 with ``headers`` added, or 400 and the like.
    """
    websocket: WebSocket = factory.build(receiver, dict(headers))
    transport, rest, websocket.left = surrender(request.channel)
    _attach(websocket, transport)
    websocket.dataReceived(head_of(request, request.method, request.uri) + rest)


def _attach(websocket: WebSocket, transport: Any) -> None:
    if isinstance(transport, ProtocolWrapper):
        transport.wrappedProtocol = websocket
    elif isinstance(transport.protocol, ProtocolWrapper):
        transport.protocol.wrappedProtocol = websocket
    else:
        transport.protocol = websocket
    websocket.makeConnection(transport)
    transport.resumeProducing()
