"""The native door's common case, counted: what an echo on an open connection costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import ensureDeferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from tests.support.calls import calls_of
from tests.support.provider import ScriptedProvider
from tests.support.session_stores import FakeOutage
from yekta.app.answers import Answers
from yekta.app.counselor import Counselor
from yekta.app.dispatcher import Dispatcher
from yekta.app.events import Events
from yekta.app.hub import Hub
from yekta.app.sessions import Sessions
from yekta.app.timestamps import Timestamps
from yekta.edge.native import NativeDoor, NativePeer
from yekta.socketio.adapter import Home, InMemoryAdapter
from yekta.web.origins import Origins
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.frame import TEXT
from yekta.websocket.limits import Limits

# Python calls for one echo, from bytes to bytes, two of them the test transport's. May only be lowered.
ECHO_CALLS = 26

_UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class Transport(StringTransport):
    """As a socket's, with what an upgrade needs."""

    protocol: Any = None

    def abortConnection(self) -> None:
        self.loseConnection()


def masked(text: str) -> bytes:
    payload = text.encode()
    assert len(payload) < 126
    return bytes((TEXT, 0x80 | len(payload))) + bytes(4) + payload


class Connection:
    """An open native connection in memory, with a clock of its own."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_769_850_302.123)
        sessions = Sessions(FakeOutage(), self.clock)
        adapter = InMemoryAdapter(Home(self.clock, lambda *_: None))
        hub = Hub(sessions, adapter)
        self.answers = Answers(self.clock)
        counselor = Counselor(ScriptedProvider(), self.clock, self.answers)
        dispatcher = Dispatcher(Events(hub, counselor, Timestamps(self.clock)).table())
        factory = WebSocketFactory(self.clock, Limits())
        door = NativeDoor(factory, sessions, hub, dispatcher, adapter, Origins(()))
        acquired: list[Any] = []
        ensureDeferred(sessions.acquire()).addCallback(acquired.append)
        [(token, session)] = acquired
        self.websocket = factory.build(NativePeer(session, token, door), {})
        self.websocket.left = lambda: None
        self.transport = Transport()
        self.websocket.makeConnection(self.transport)
        self.websocket.dataReceived(_UPGRADE)
        self.clock.advance(0)
        self.say('{"event":"echo","data":0}')

    def say(self, text: str) -> str:
        """Send a frame, and give what comes back, without the two bytes of its head."""
        self.transport.clear()
        self.websocket.dataReceived(masked(text))
        return self.transport.value()[2:].decode()


@pytest.fixture
def connection() -> Iterator[Connection]:
    connection = Connection()
    yield connection
    connection.websocket.connectionLost(Failure(ConnectionDone()))
    connection.answers.stop()
    assert connection.clock.getDelayedCalls() == []


def test_a_native_echo_costs_no_deferred_no_log_line_and_no_more_calls_than_today(connection: Connection) -> None:
    frame = masked('{"event":"echo","data":"Hello World"}')
    timers = connection.clock.getDelayedCalls()
    logged: list[Any] = []
    globalLogPublisher.addObserver(logged.append)
    try:
        calls = calls_of(lambda: connection.websocket.dataReceived(frame))
    finally:
        globalLogPublisher.removeObserver(logged.append)
    assert b"Hello World" in connection.transport.value()
    assert logged == []
    assert not [name for name in calls if "Deferred" in name or ".logger." in name]
    assert connection.clock.getDelayedCalls() == timers
    assert calls.total() <= ECHO_CALLS, calls


def test_every_echo_costs_the_same(connection: Connection) -> None:
    frame = masked('{"event":"echo","data":"Hello World"}')
    first = calls_of(lambda: connection.websocket.dataReceived(frame))
    for _ in range(1000):
        connection.websocket.dataReceived(frame)
    assert calls_of(lambda: connection.websocket.dataReceived(frame)) == first


def test_an_echo_is_the_contracts_to_the_byte(connection: Connection) -> None:
    said = json.loads(connection.say('{"event":"ping","id":"a"}'))
    assert said == {"event": "pong", "data": {"timestamp": "2026-01-31T09:05:02.123Z"}, "id": "a"}


def test_only_a_handler_that_waits_becomes_a_deferred(connection: Connection) -> None:
    frame = masked('{"event":"ai:chat","data":{"message":"?"}}')
    calls = calls_of(lambda: connection.websocket.dataReceived(frame))
    assert calls["twisted.internet.defer.Deferred.__init__"] > 0
