"""The native door: its frames are the contract's to the byte. What a message costs: `test_call_budgets`."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator

import pytest

from tests.support.application import Application, masked
from tests.support.calls import calls_of
from tests.support.sessions import now


@pytest.fixture
def application() -> Iterator[Application]:
    application = Application()
    yield application
    application.close()


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
    assert now(application.store.last_activity(peer.session.id)) == application.clock.seconds()


def test_what_a_room_is_told_is_compressed_for_those_who_agreed_on_it() -> None:
    application = Application(deflate_threshold=20)
    transports = []
    for fields in ({}, {"Sec-WebSocket-Extensions": "permessage-deflate"}):
        transport, chunks = application.visitor("native", **fields)
        transport.receive(chunks[0])
        application.clock.advance(0)
        transport.writes.clear()
        transports.append(transport)
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
