"""A fast path for the requests that a polling client repeats, two for each message: a tenth of what others cost.

Without hooks and middlewares, all that is left of `verify` for a poll or POST of a living connection of protocol 4 is
its Origin, which is checked once and remembered. Any other request is left to `resource`.
"""

from __future__ import annotations

from functools import lru_cache, partial

from yekta.engineio.connection import State
from yekta.engineio.eio3 import TEXT
from yekta.engineio.engine import Engine
from yekta.engineio.exchange import HttpExchange, compose
from yekta.engineio.polling import OK, Polling
from yekta.engineio.verify import MAX_ORIGINS, origin_headers
from yekta.web.arrival import Arrival
from yekta.web.request import Request
from yekta.web.written import Written

_CLOSED = State.CLOSED

# The headers of each answer, and what is written by its content type.
_Answers = tuple[dict[str, str], dict[str, Written]]


class Regulars:
    """See the module."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._origins = engine.settings.origins
        self._threshold = engine.settings.http_compression
        self._answers = lru_cache(maxsize=MAX_ORIGINS)(self._find_answers)

    def serve(self, arrival: Arrival) -> bool:
        """Carry a request to its connection. False: it is not regular, and nothing was done. May raise `Refusal`."""
        asked = arrival.asked
        polling = self._transport(asked)
        if polling is None:
            return False
        headers = asked.headers
        answers = self._answers(headers.get("origin"), headers.get("host"), self._origins.allowed)
        if answers is None:
            return False
        exchange = HttpExchange(arrival, answers[0], self._threshold, answers[1])
        polling.request_received(asked, exchange)
        if polling.waits(exchange):
            arrival.on_hang_up(partial(polling.exchange_lost, exchange))
        return True

    def _transport(self, asked: Request) -> Polling | None:
        """The transport that a request belongs to, if it is regular but for its origin."""
        query, engine = asked.query, self._engine
        connection = engine.connections.get(query.get("sid", ""))
        if connection is None or engine.middlewares or engine.hooks.functions or connection.state is _CLOSED:
            return None
        is_regular = query.get("EIO") == "4" and connection.protocol == 4 and query.get("transport") == "polling"
        if not is_regular or "j" in query or "upgrade" in asked.headers or asked.method not in ("GET", "POST"):
            return None
        transport = connection.transport
        return transport if isinstance(transport, Polling) else None

    def _find_answers(self, origin: str | None, host: str | None, allowed: frozenset[str]) -> _Answers | None:
        """What goes with the answers to an origin; ``None``: it is refused. Asked anew where others are ``allowed``."""
        headers = origin_headers(origin, host, self._engine.settings)
        if headers is None:
            return None
        return headers, {kind: Written(compose(headers, kind)) for kind in (TEXT, OK)}
