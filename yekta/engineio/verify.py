"""Which requests are served: everything is checked here, before any answer and before any 101."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from yekta.engineio.errors import (
    Refusal,
    bad_method,
    bad_request,
    forbidden,
    full,
    unknown_sid,
    unknown_transport,
    unsupported_protocol,
)
from yekta.engineio.settings import Settings
from yekta.web.request import Request

if TYPE_CHECKING:
    from yekta.engineio.connection import Connection

# For how many origins it is known at a time what they are answered; a stranger can name as many as it likes.
MAX_ORIGINS = 256

# Control characters, but for the tab (RFC 9110, 5.5).
_NOT_IN_A_HEADER = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


def verify(request: Request, settings: Settings, connections: Mapping[str, Connection]) -> Connection | None:
    """The connection that ``request`` belongs to, or ``None``: it wants a new one. Raises :class:`Refusal`."""
    query = request.query
    transport = query.get("transport", "")
    if transport not in settings.transports:
        raise unknown_transport()
    require_origin(request.origin, request.headers.get("host"), settings)
    if request.upgrade != (transport == "websocket"):
        raise bad_request("TRANSPORT_HANDSHAKE_ERROR")
    if "sid" in query:
        return _known(request, settings, connections.get(query["sid"]), transport)
    if request.method != "GET":
        raise bad_method()
    protocol(request, settings)
    require_room(settings, connections)
    return None


def require_origin(origin: str | None, host: str | None, settings: Settings) -> None:
    """Raise :class:`Refusal` where pages of ``origin`` may not talk to this ``host``."""
    if origin is not None and _NOT_IN_A_HEADER.search(origin):
        raise bad_request("INVALID_ORIGIN")
    if not settings.origins.allow(origin, host):
        raise forbidden("Origin not allowed")


def origin_headers(origin: str | None, host: str | None, settings: Settings) -> dict[str, str] | None:
    """The CORS headers of the answers to pages of ``origin``; ``None`` where they may not talk to this ``host``."""
    try:
        require_origin(origin, host, settings)
    except Refusal:
        return None
    return settings.origins.response_headers(origin, host)


def require_room(settings: Settings, connections: Mapping[str, Connection]) -> None:
    """Raise :class:`Refusal` where there are as many connections as there may be."""
    if len(connections) >= settings.max_connections:
        raise full()


def protocol(request: Request, settings: Settings) -> int:
    """The Engine.IO protocol that a client speaks; one that does not say speaks 3."""
    asked = request.query.get("EIO", "3")
    if asked == "4" or (asked == "3" and settings.allow_eio3):
        return int(asked)
    raise unsupported_protocol()


def _known(request: Request, settings: Settings, connection: Connection | None, transport: str) -> Connection:
    if connection is None:
        raise unknown_sid()
    if request.query.get("EIO", "3") != str(connection.protocol):
        raise bad_request("PROTOCOL_MISMATCH")
    if transport != connection.transport.name and not (transport == "websocket" and settings.allow_upgrades):
        raise bad_request("TRANSPORT_MISMATCH")
    return connection
