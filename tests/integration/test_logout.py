"""A session that ends on one service ends on the other: its connections close there within a second."""

from __future__ import annotations

from time import monotonic

import pytest

from tests.support.attacks import Over, Wire
from tests.support.node import running
from tests.support.services import Pair
from tests.support.strangers import Native, Polling, SocketIO

# Seconds within which the other service must know.
AT_ONCE = 1.0

SESSION_ENDED = 4401


@pytest.mark.parametrize("service", ["api", "ws"])
def test_a_logout_closes_the_connections_of_that_session_alone(pair: Pair, service: str) -> None:
    port = getattr(pair, service).port
    token, other = pair.acquire(), pair.acquire()
    with (
        Native(port, token) as native,
        SocketIO(port, token) as socketio,
        Polling(port, token) as polling,
        Native(port, other) as bystander,
    ):
        polling.wire.send(f"GET {polling.target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        began = monotonic()
        pair.logout(token)
        assert native.end() == SESSION_ENDED
        assert socketio.packet() == "41"
        with pytest.raises(Over):
            socketio.packet()
        assert polling.wire.response().body.startswith(b"41")
        assert monotonic() - began < AT_ONCE
        with Wire(port) as wire:
            gone = wire.request("GET", polling.target)
            assert gone.body == b"1" or gone.json() == {"code": 1, "message": "Session ID unknown"}
        bystander.say("echo", "1")
        assert bystander.hear()[0] == "echo_response"


@pytest.mark.parametrize("service", ["api", "ws"])
def test_after_a_logout_the_token_opens_no_door(pair: Pair, service: str) -> None:
    port = getattr(pair, service).port
    token = pair.acquire()
    with Native(port, token) as native:
        pair.logout(token)
        assert native.end() == SESSION_ENDED
    with pytest.raises(AssertionError, match="status=401"):
        Native(port, token)


@pytest.mark.parametrize("service", ["api", "ws"])
def test_a_token_that_nobody_holds_a_connection_of_opens_no_door_either(pair: Pair, service: str) -> None:
    """Though the other service has believed it a moment before."""
    port = getattr(pair, service).port
    token = pair.acquire()
    Native(port, token).close()
    pair.logout(token)
    with pytest.raises(AssertionError, match="status=401"):
        come_again_and_again(port, token)


def come_again_and_again(port: int, token: str) -> None:
    began = monotonic()
    while monotonic() - began < AT_ONCE:
        Native(port, token).close()


@pytest.mark.needs("node")
def test_a_real_client_is_told_and_stays_away(pair: Pair) -> None:
    token = pair.acquire()
    with running("reconnect.mjs", pair.ws_url, token, ["websocket"]) as client:
        assert client.hear()["event"] == "connected"
        pair.logout(token)
        lost = client.hear(AT_ONCE)
        assert lost == {"event": "disconnect", "reason": "io server disconnect", "active": False}
