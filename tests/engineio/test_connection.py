"""Heartbeats, on both transports, and what ends a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tests.support.engines import Gateway, PollingClient, body
from tests.support.memory import HttpClient
from tests.support.websockets import WebSocketClient
from yekta.engineio.connection import State
from yekta.web.origins import Origins

Start = Callable[..., Gateway]


@attrs.define(eq=False)
class ByPolling:
    """A client that always has a poll waiting."""

    gateway: Gateway
    _client: PollingClient = attrs.field(init=False)
    _poll: HttpClient = attrs.field(init=False)

    def open(self) -> None:
        self._client = self.gateway.open()
        self._poll = self._client.poll()

    def send(self, packet: str) -> None:
        self._client.post(packet)

    def received(self) -> list[str]:
        """The packets that came since it was last asked."""
        self.gateway.turn()
        payload = body(self._poll)
        if payload is None:
            return []
        self._poll = self._client.poll()
        return payload.split("\x1e")


@attrs.define(eq=False)
class ByWebSocket:
    """The same for a client on WebSocket."""

    gateway: Gateway
    _socket: WebSocketClient = attrs.field(init=False)
    _read: int = 1

    def open(self) -> None:
        self._socket = self.gateway.websocket()

    def send(self, packet: str) -> None:
        self._socket.send_text(packet)

    def received(self) -> list[str]:
        self.gateway.turn()
        packets = self._socket.texts()[self._read :]
        self._read += len(packets)
        return packets


@attrs.define(eq=False)
class Upgraded(ByWebSocket):
    """And for one that came by polling."""

    _read = 1

    def open(self) -> None:
        self._socket = self.gateway.open().upgrade()


Client = ByPolling | ByWebSocket


@pytest.fixture(params=[ByPolling, ByWebSocket, Upgraded], ids=["polling", "websocket", "upgraded"])
def client(request: pytest.FixtureRequest, gateway: Gateway) -> Client:
    client: Client = request.param(gateway)
    client.open()
    return client


# -- heartbeats ----------------------------------------------------------------------------------------------


def test_a_ping_comes_every_interval_while_pongs_come_back(gateway: Gateway, client: Client) -> None:
    for _ in range(4):
        gateway.clock.advance(24.9)
        assert client.received() == []
        gateway.clock.advance(0.1)
        assert client.received() == ["2"]
        gateway.clock.advance(19)
        client.send("3")
    assert gateway.user.reasons() == []
    assert gateway.user.messages() == []


def test_silence_ends_in_a_ping_timeout(gateway: Gateway, client: Client) -> None:
    gateway.clock.advance(25)
    client.received()
    gateway.clock.advance(19.9)
    assert gateway.user.reasons() == []
    gateway.clock.advance(0.1)
    assert gateway.user.reasons() == ["ping timeout"]
    assert gateway.engine.connections == {}


def test_traffic_in_place_of_a_pong_buys_one_more_wait_and_no_second(gateway: Gateway, client: Client) -> None:
    gateway.clock.advance(25)
    client.received()
    gateway.clock.advance(15)
    client.send("4busy")
    gateway.clock.advance(19)
    assert gateway.user.reasons() == []
    client.send("4still busy")
    gateway.clock.advance(1)
    assert gateway.user.messages() == ["busy", "still busy"]
    assert gateway.user.reasons() == ["ping timeout"]


def test_a_late_pong_after_other_traffic_is_forgiven(gateway: Gateway, client: Client) -> None:
    gateway.clock.advance(25)
    client.received()
    gateway.clock.advance(15)
    client.send("4busy")
    gateway.clock.advance(19)
    client.send("3")
    gateway.clock.advance(24)
    assert gateway.user.reasons() == []
    gateway.clock.advance(1)
    assert client.received() == ["2"]


def test_a_pong_that_nobody_asked_for_changes_nothing(gateway: Gateway, client: Client) -> None:
    for _ in range(2):
        gateway.clock.advance(20)
        client.send("3")
        gateway.clock.advance(5)
        assert client.received() == ["2"]
        client.send("3")


def test_a_client_s_ping_is_an_error(gateway: Gateway, client: Client) -> None:
    client.send("2")
    assert gateway.user.reasons() == ["transport error"]


@pytest.mark.parametrize("packet", ["5", "6"])
def test_a_stray_upgrade_or_noop_is_ignored(gateway: Gateway, client: Client, packet: str) -> None:
    client.send(packet)
    client.send("4a")
    assert gateway.user.told == [("message", "a")]


def test_a_client_s_open_is_an_error(gateway: Gateway, client: Client) -> None:
    client.send("0")
    assert gateway.user.reasons() == ["transport error"]


def test_the_heartbeats_of_many_connections_cost_one_timer(gateway: Gateway) -> None:
    for _ in range(50):
        gateway.websocket()
        gateway.open()
    gateway.turn()
    assert len(gateway.clock.getDelayedCalls()) - len(gateway.clients) <= 1


# -- ends ----------------------------------------------------------------------------------------------------


def test_the_end_is_told_once_and_nothing_is_sent_after_it(gateway: Gateway, client: Client) -> None:
    connection = gateway.user.connection
    client.send("1")
    connection.send("a")
    connection.close()
    connection.fail("transport error", "again")
    connection.flush()
    assert connection.state is State.CLOSED
    assert gateway.user.reasons() == ["transport close"]


def test_what_the_application_does_when_it_is_told_of_the_end_is_harmless(start: Start) -> None:
    def close_and_send(user: Any, data: Any) -> None:
        user.connection.close()
        user.connection.send("too late")
        user.connection.close()

    gateway = start(close_and_send)
    socket = gateway.websocket()
    socket.send_text("4a")
    assert gateway.user.told == [("message", "a"), ("lost", "forced close", "")]
    assert len(socket.texts()) == 1


def test_closing_the_engine_ends_everybody_and_leaves_nothing(start: Start) -> None:
    gateway = start(origins=Origins(("*",)))
    polling, waiting, socket = gateway.open(), gateway.open(), gateway.websocket()
    poll = waiting.poll()
    gateway.engine.close()
    assert [user.reasons() for user in gateway.users] == [["forced close"]] * 3
    assert body(poll) == "1"
    assert socket.close() == (1000, "")
    assert polling.poll().next_answer().status == 400
