"""A fast path for new connections that begin with WebSocket, as nearly all clients ask for them.

Without hooks and middlewares, all that is left of `verify` for such a request is its Origin, which is checked once and
remembered. Any other request is left to `resource`.
"""

from __future__ import annotations

from functools import lru_cache

from yekta.engineio.engine import Engine
from yekta.engineio.verify import MAX_ORIGINS, origin_headers
from yekta.engineio.websocket import WebSocketTransport
from yekta.web.arrival import Arrival
from yekta.web.written import Written
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.upgrade import upgrade


class Newcomers:
    """See the module."""

    def __init__(self, engine: Engine, websockets: WebSocketFactory) -> None:
        settings = engine.settings
        self._engine = engine
        self._websockets = websockets
        self._is_common = "websocket" in settings.transports and not (settings.allow_request or settings.cookie)
        self._headers = lru_cache(maxsize=MAX_ORIGINS)(self._find_headers)

    def serve(self, arrival: Arrival) -> bool:
        """Let a request's client in. False: it is not common, and nothing was done. May raise `Refusal`."""
        asked, engine = arrival.asked, self._engine
        query, fields, settings = asked.query, asked.headers, engine.settings
        if engine.middlewares or engine.hooks.functions or engine.draining or not self._is_common:
            return False
        is_common = query.get("EIO") == "4" and query.get("transport") == "websocket" and "sid" not in query
        if not is_common or fields.get("upgrade") != "websocket" or asked.method != "GET":
            return False
        if len(engine.connections) >= settings.max_connections:
            return False
        headers = self._headers(fields.get("origin"), fields.get("host"), settings.origins.allowed)
        if headers is None:
            return False
        upgrade(arrival, self._websockets, WebSocketTransport(engine, asked, engine.new_sid()), headers)
        return True

    def _find_headers(self, origin: str | None, host: str | None, allowed: frozenset[str]) -> dict[str, str] | None:
        """Asked anew where others are ``allowed``."""
        headers = origin_headers(origin, host, self._engine.settings)
        return None if headers is None else Written(headers)
