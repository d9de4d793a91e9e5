"""The control socket: what it obeys, what it refuses, and how much it reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent

from tests.support.session_stores import FakeOutage
from yekta.app.hub import Hub
from yekta.app.sessions import Sessions
from yekta.services.control import Control, endpoint
from yekta.socketio.adapter import AdapterContext, InMemoryAdapter

REFUSED = [
    "not JSON",
    "[]",
    "{}",
    '{"command": "stop", "room": "a", "event": "x"}',
    '{"command": "emit"}',
    '{"command": "emit", "room": "", "event": "x"}',
    '{"command": "emit", "room": 1, "event": "x"}',
    '{"command": "emit", "room": "a", "event": ""}',
    '{"command": "emit", "room": "a", "event": [1]}',
    '{"command": "emit", "room": "a", "event": "disconnect"}',
]


@pytest.fixture
def linked() -> Deferred[None]:
    return succeed(None)


@pytest.fixture
def transport(linked: Deferred[None]) -> StringTransport:
    clock: Any = Clock()
    adapter = InMemoryAdapter(AdapterContext(clock))
    hub = Hub(Sessions(FakeOutage(), clock), adapter)
    protocol = Control(hub, adapter, 100, lambda: linked).buildProtocol(None)
    transport = StringTransport()
    protocol.makeConnection(transport)
    transport.protocol = protocol
    return transport


def test_an_empty_room_has_nobody_and_what_it_was_told_is_not_logged(transport: Any) -> None:
    with capturedLogs() as logged:
        transport.protocol.dataReceived(b'{"command": "emit", "room": "user:4", "event": "x", "data": "a secret"}\n')
    assert json.loads(transport.value()) == {"ok": True, "members": 0}
    [event] = logged
    assert formatEvent(event) == "an operator has sent to a room of 0"
    assert not any(said in repr(event) for said in ("user:4", "a secret"))


@pytest.mark.parametrize("linked", [Deferred()], ids=["not yet"])
def test_nothing_is_read_before_what_is_said_reaches_others(transport: Any, linked: Deferred[None]) -> None:
    assert transport.producerState == "paused"
    linked.callback(None)
    assert transport.producerState == "producing"


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_no_command_is_refused(transport: Any, line: str) -> None:
    transport.protocol.dataReceived(line.encode() + b"\n")
    reply = json.loads(transport.value())
    assert reply["ok"] is False
    assert reply["error"].endswith(".")


def test_a_line_without_end_is_cut_off(transport: Any) -> None:
    transport.protocol.dataReceived(b"x" * 101)
    assert transport.disconnecting


def test_the_socket_is_its_owners() -> None:
    assert endpoint("/run/a:b") == r"unix:/run/a\:b:mode=600"
