"""The native door: its frames are the contract's to the byte. What a message costs: `test_call_budgets`."""

from __future__ import annotations

import json
import zlib

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.logger import LogLevel, capturedLogs

from tests.support.application import Application, masked
from tests.support.calls import calls_of
from tests.support.memory import MemoryTransport
from tests.support.sessions import now
from tests.support.websockets import CLOSE, client_frame, close_payload, server_frames
from yekta.app.hub import LEFT
from yekta.socketio.adapter import Flags, Target
from yekta.socketio.message import Message
from yekta.websocket.limits import SLOW_CONSUMER, Limits


def test_an_answer_is_the_contracts_to_the_byte(application: Application) -> None:
    said = application.native().say('{"event":"ping","id":"a"}')
    assert json.loads(said[2:]) == {"event": "pong", "data": {"timestamp": "2026-01-31T09:05:02.123Z"}, "id": "a"}


@pytest.mark.parametrize(("door", "ping"), [("native", '{"event":"ping"}'), ("socketio", '42["ping"]')])
def test_what_is_said_at_either_door_is_activity_of_the_session(application: Application, door: str, ping: str) -> None:
    client = getattr(application, door)()
    [peer] = application.hub.peers
    application.clock.advance(5.0)
    client.say(ping)
    now(application.sessions.stop())
    assert now(application.store.last_activity(peer.session.id)) == application.clock.wall()


def entered(application: Application, **fields: str) -> MemoryTransport:
    """The connection of somebody who has been welcomed; ``fields``: of the request."""
    transport, chunks = application.visitor("native", **fields)
    transport.receive(chunks[0])
    application.clock.advance(0)
    transport.writes.clear()
    return transport


def test_the_reason_that_a_client_gives_for_its_leaving_is_told_to_nobody(application: Application) -> None:
    entered(application).receive(client_frame(CLOSE, close_payload(1000, "a reason of my own")))
    application.clock.advance(0)
    assert application.hub.departures == {("native-websocket", LEFT): 1}


def test_who_is_disconnected_is_told_so_as_rfc_6455_has_it(application: Application) -> None:
    transport = entered(application)
    application.server.sockets.adapter.disconnect(Target(), Flags(), close=False)
    application.clock.advance(0)
    assert list(server_frames(b"".join(transport.writes))) == [(CLOSE, close_payload(1000))]


def test_who_does_not_read_misses_what_may_be_dropped_and_leaves_for_that_reason(application: Application) -> None:
    transport = entered(application)
    transport.congest()
    [member] = application.server.sockets.adapter.rooms.everybody()
    member.deliver(Message(["news", 1], volatile=True))
    member.deliver(Message(["news", 2]))
    transport.relieve()
    application.clock.advance(0)
    assert b"".join(transport.writes)[2:] == b'{"event":"news","data":2}'
    member.deliver(Message(["news", 3], volatile=True))
    application.clock.advance(0)
    assert transport.writes[-1].endswith(b'"data":3}')
    transport.congest()
    member.deliver(Message(["news", "x" * (Limits().max_queued + 1)]))
    application.clock.advance(0)
    assert application.hub.departures == {("native-websocket", SLOW_CONSUMER): 1}


class Knocking:
    """Somebody whose token the store is asked about, and who is not answered yet."""

    def __init__(self, application: Application) -> None:
        self.transport, chunks = application.visitor("native")
        # Until the session is not known by heart any more.
        application.clock.advance(31)
        application.store.gate = self.found = Deferred()
        self._clock = application.clock
        self.transport.receive(chunks[0])

    def answer(self) -> bytes:
        self._clock.advance(0)
        return b"".join(self.transport.writes)


def test_who_hangs_up_while_the_store_is_asked_does_not_come_in(application: Application) -> None:
    knocking = Knocking(application)
    assert knocking.answer() == b""
    with capturedLogs() as logged:
        knocking.transport.lose()
        knocking.found.callback(None)
    assert (knocking.answer(), len(application.hub.members), logged) == (b"", 0, [])


def test_who_cannot_be_admitted_for_a_reason_nobody_foresaw_is_not_told_it_but_the_log_is(
    application: Application,
) -> None:
    knocking = Knocking(application)
    with capturedLogs() as logged:
        knocking.found.errback(ZeroDivisionError("a secret"))
    head, _, body = knocking.answer().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nconnection: close" in head.lower()
    assert body == b"Authentication failed"
    [event] = logged
    assert (event["log_level"], event["log_failure"].type) == (LogLevel.critical, ZeroDivisionError)
    assert (len(application.hub.members), knocking.transport.lost) == (0, ConnectionDone)


def test_what_a_room_is_told_is_compressed_for_those_who_agreed_on_it() -> None:
    application = Application(deflate_threshold=20)
    fields: tuple[dict[str, str], ...] = ({}, {"Sec-WebSocket-Extensions": "permessage-deflate"})
    transports = [entered(application, **each) for each in fields]
    adapter = application.server.sockets.adapter
    for member in tuple(adapter.rooms.everybody()):
        adapter.add(member, ["room"])
    application.hub.emit("room", "news", ["again"] * 9)
    application.clock.advance(0)
    plain, packed = (b"".join(transport.writes) for transport in transports)
    assert plain[2:] == b'{"event":"news","data":%b}' % json.dumps(["again"] * 9, separators=(",", ":")).encode()
    assert (plain[0], packed[0], packed[1]) == (0x81, 0xC1, len(packed) - 2)
    assert zlib.decompress(packed[2:] + b"\0\0\xff\xff\3\0", -12) == plain[2:]
    application.close()


def test_only_a_handler_that_waits_becomes_a_deferred(application: Application) -> None:
    client = application.native()
    calls = calls_of(lambda: client.receive(masked('{"event":"ai:chat","data":{"message":"?"}}')))
    assert calls["twisted.internet.defer.Deferred.__init__"] > 0
