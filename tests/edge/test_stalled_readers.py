"""Thousands of clients that ask for long answers and do not read them: what they cost, and that all is told later."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest
from twisted.internet.defer import ensureDeferred

from tests.support.clocks import TwoClocks
from tests.support.memory import MemoryTransport
from tests.support.provider import ScriptedProvider
from tests.support.session_stores import FakeOutage
from yekta.app.answers import Answers
from yekta.app.counselor import Counselor
from yekta.app.dispatcher import Dispatcher
from yekta.app.events import Events
from yekta.app.hub import Hub
from yekta.app.sessions import Sessions
from yekta.edge.native import NativeDoor, NativePeer
from yekta.socketio.adapter import AdapterContext, InMemoryAdapter
from yekta.timestamps import Timestamps
from yekta.web.origins import Origins
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.frame import TEXT
from yekta.websocket.limits import Limits

# Each session asks for one answer, and the readers are shared out among them.
CROWDS = [(1_000, 10), (10_000, 100)]

# One answer: as long as they may be, in pieces as models send them.
PIECE, PIECES = "سلام دنیا، خوبی؟" * 8, 256

# Bytes that a reader and its share of the answers may take while nobody reads. Queued for each, it would be some 80 KB.
BOUND = 1024

# Whatever is taken on our behalf, however deep; not by threads that other tests have left.
_OURS, _DEPTH = tracemalloc.Filter(True, __file__, all_frames=True), 60

_UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class Crowd:
    """Native connections in memory, several of each session; the first of each asks and the others join."""

    def __init__(self, readers: int, sessions: int) -> None:
        self.clock = TwoClocks(1_769_850_302.0)
        self.provider = ScriptedProvider()
        self.answers = Answers(self.clock)
        self._sessions = Sessions(FakeOutage(), self.clock)
        self._adapter = InMemoryAdapter(AdapterContext(self.clock))
        hub = Hub(self._sessions, self._adapter)
        counselor = Counselor(self.provider, self.clock, self.answers)
        dispatcher = Dispatcher(Events(hub, counselor, Timestamps(self.clock)).table(), self.clock)
        self._factory = WebSocketFactory(self.clock, Limits())
        self._door = NativeDoor(self._factory, self._sessions, hub, dispatcher, self._adapter, Origins(()))
        self.transports = [
            transport for _ in range(sessions) for transport in self._members(readers // sessions)
        ]

    def _members(self, count: int) -> list[MemoryTransport]:
        acquired: list[Any] = []
        ensureDeferred(self._sessions.acquire()).addCallback(acquired.append)
        [(token, session)] = acquired
        return [self._connect(NativePeer(session, token, self._door)) for _ in range(count)]

    def _connect(self, peer: NativePeer) -> MemoryTransport:
        websocket = self._factory.build(peer)
        websocket.left = lambda: None
        transport = MemoryTransport(self.clock)
        transport.protocol = websocket
        websocket.makeConnection(transport)
        transport.receive(_UPGRADE)
        payload = b'{"event":"ai:chat","data":{"message":"?","messageId":"m"}}'
        transport.receive(bytes((TEXT, 0x80 | len(payload))) + bytes(4) + payload)
        transport.congest()
        transport.writes.clear()
        return transport


@pytest.mark.parametrize(("readers", "sessions"), CROWDS)
def test_stalled_readers_of_long_answers_take_a_kilobyte_each(readers: int, sessions: int) -> None:
    crowd = Crowd(readers, sessions)
    assert (len(crowd.transports), len(crowd.provider.generations)) == (readers, sessions)
    gc.collect()
    tracemalloc.start(_DEPTH)
    for generation in crowd.provider.generations:
        for _ in range(PIECES):
            # Each a text of its own, as from a model.
            generation.say(PIECE[:8] + PIECE[8:])
    gc.collect()
    grown = sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([_OURS]).traces)
    tracemalloc.stop()
    assert grown < readers * BOUND
    assert all(not transport.writes for transport in crowd.transports)
    assert all(generation.flow == ["pause"] for generation in crowd.provider.generations)
    whole = (PIECE * PIECES).encode()
    for generation in crowd.provider.generations:
        generation.finish()
    for transport in crowd.transports:
        transport.relieve()
        told = b"".join(transport.writes)
        assert told.count(b'"chunk":"' + whole + b'"') == told.count(b'"fullResponse":"' + whole + b'"') == 1
        transport.writes.clear()
    for transport in crowd.transports:
        transport.lose()
    crowd.answers.stop()
