"""The short lane of new WebSockets: whoever takes it is answered as everybody else, and the answer may change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engineio.knocking import BAD_METHOD, FORBIDDEN, WEBSOCKET, error, knock
from tests.support.engines import Gateway
from tests.support.websockets import HANDSHAKE
from yekta.engineio.settings import Cookie
from yekta.web.origins import Origins
from yekta.web.request import Request

Start = Callable[..., Gateway]

PAGE, STRANGER = "http://app.example", "http://other.example"


def come(gateway: Gateway, query: str, headers: dict[str, str]) -> tuple[Any, ...]:
    """What a client is answered, but for the date and what only one connection has."""
    socket = gateway.websocket(query, headers)
    gateway.turn()
    assert socket.answer is not None
    told = {**socket.answer.headers, "date": "", "set-cookie": "", "sec-websocket-accept": ""}
    return socket.answer.status, told, socket.answer.body, len(gateway.engine.connections)


@pytest.mark.parametrize("origin", [None, PAGE, STRANGER, "http://\x01"], ids=str)
@pytest.mark.parametrize(
    "query", [WEBSOCKET, "EIO=3&transport=websocket", "EIO=4&transport=polling", "EIO=4", f"{WEBSOCKET}&sid=unknown"]
)
@pytest.mark.parametrize(
    "settings", [{}, {"cookie": Cookie()}, {"transports": ("polling",)}, {"max_connections": 0}, {"allow_eio3": True}]
)
def test_whoever_somebody_looks_at_is_answered_alike(
    start: Start, settings: dict[str, Any], query: str, origin: str | None
) -> None:
    short, long = (start(origins=Origins((PAGE,)), **settings) for _ in range(2))

    @long.engine.use
    def look_on(request: Request, headers: dict[str, str]) -> None:
        """It leaves the short lane by being asked."""

    headers = {} if origin is None else {"Origin": origin}
    assert come(short, query, headers) == come(long, query, headers)


def test_one_that_is_posted_is_no_handshake(gateway: Gateway) -> None:
    assert error(gateway.ask(WEBSOCKET, "POST", HANDSHAKE, b"4a").next_answer()) == BAD_METHOD


def test_an_origin_that_is_allowed_no_longer_is_refused(start: Start) -> None:
    gateway = start(origins=Origins((PAGE,)))
    headers = {"Origin": PAGE}
    for _ in range(2):
        assert come(gateway, WEBSOCKET, headers)[0] == 101
    gateway.engine.settings.origins.allowed = frozenset((STRANGER,))
    assert error(knock(gateway, "websocket", headers=headers))[0] == FORBIDDEN[0]
    gateway.engine.settings.origins.allowed = frozenset((PAGE,))
    assert come(gateway, WEBSOCKET, headers)[0] == 101


def test_nobody_is_let_in_who_would_be_one_too_many(start: Start) -> None:
    gateway = start(max_connections=1)
    assert come(gateway, WEBSOCKET, {})[0] == 101
    assert come(gateway, WEBSOCKET, {})[0] == 503


def test_nobody_is_let_in_where_all_are_being_sent_away(start: Start) -> None:
    gateway = start()
    gateway.engine.draining = True
    assert come(gateway, WEBSOCKET, {})[0] == 503
