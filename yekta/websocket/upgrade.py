"""From an HTTP request to a WebSocket on the same connection (RFC 6455, 4.2)."""

from __future__ import annotations

from collections.abc import Mapping

from yekta.web.arrival import Arrival
from yekta.web.switching import switch
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.interfaces import IReceiver
from yekta.websocket.opening import answer
from yekta.websocket.protocol import WebSocket


def upgrade(
    arrival: Arrival, factory: WebSocketFactory, receiver: IReceiver, headers: Mapping[str, str] = {}
) -> None:
    """Give the connection of ``arrival`` to a new WebSocket that tells ``receiver``.

    A plain request is answered 101 here, with ``headers`` added; any other Autobahn reads once more, and answers.
    """
    plain = factory.short_opening
    accepted = answer(arrival.target, arrival.asked, arrival.key, headers, factory.limits) if plain else None
    head = arrival.head() if accepted is None else b""
    websocket: WebSocket = factory.build(receiver, headers if accepted is None else {})
    transport, rest, websocket.left = arrival.surrender()
    switch(transport, websocket)
    if accepted is None:
        websocket.dataReceived(head + rest)
    else:
        websocket.open_at_once(accepted, rest)
