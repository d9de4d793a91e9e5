"""The express road of texts: open while nothing asks for a second look, and open again afterwards."""

from __future__ import annotations

import pytest

from tests.support.engines import Gateway
from tests.support.websockets import WebSocketClient

PING_INTERVAL, PING_TIMEOUT = 25.0, 20.0


def by_express(gateway: Gateway, client: WebSocketClient) -> bool:
    """Whether the road is open; either way what is said arrives."""
    is_open = gateway.user.connection.express is not None
    said = len(gateway.user.messages())
    client.send_text(f"4hello {said}")
    assert gateway.user.messages()[said:] == [f"hello {said}"]
    return is_open


def test_a_websocket_has_it_from_the_beginning(gateway: Gateway) -> None:
    assert by_express(gateway, gateway.websocket())


def test_whoever_begins_to_look_on_sees_what_follows(gateway: Gateway) -> None:
    client, seen = gateway.websocket(), []
    assert by_express(gateway, client)
    gateway.user.connection.hooks.on("packet")(seen.append)
    assert not by_express(gateway, client)
    assert seen == ["4hello 1"]


@pytest.mark.parametrize("answer", ["3", "4anything"], ids=["a pong", "other traffic"])
def test_a_ping_closes_it_until_the_client_shows_that_it_lives(gateway: Gateway, answer: str) -> None:
    client = gateway.websocket()
    gateway.clock.advance(PING_INTERVAL)
    assert gateway.user.connection.express is None
    client.send_text(answer)
    assert by_express(gateway, client)


def test_a_client_that_upgrades_comes_to_it(gateway: Gateway) -> None:
    polling = gateway.open()
    assert gateway.user.connection.express is None
    client = gateway.websocket(f"EIO=4&transport=websocket&sid={polling.sid}")
    client.send_text("2probe")
    client.send_text("5")
    gateway.turn()
    assert by_express(gateway, client)


def test_a_client_that_upgrades_while_a_pong_is_due_shows_first_that_it_lives(gateway: Gateway) -> None:
    polling = gateway.open()
    gateway.clock.advance(PING_INTERVAL)
    client = polling.upgrade()
    gateway.clock.advance(PING_TIMEOUT - 0.1)
    assert not by_express(gateway, client)
    assert by_express(gateway, client)
    gateway.clock.advance(PING_TIMEOUT - 0.1)
    assert gateway.user.reasons() == []
