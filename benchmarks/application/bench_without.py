"""The product without one of the things that carry its speed: what it would do by other libraries' ways, or by its own
general one. Each is turned off before what it is in is imported, and by its name."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from yekta import timeouts
from yekta.timeouts import Key


def texts_at_once() -> None:
    """Each frame goes through Autobahn."""
    from yekta.websocket import protocol

    protocol.take_texts = lambda *_: ([], 0, 0)


def unmasking_in_c() -> None:
    """Long payloads, too, are unmasked as one large integer."""
    from yekta.websocket import frame, protocol

    protocol.unmask_long = frame.unmask


def gathering() -> None:
    """Each frame is a write of its own."""
    from yekta.websocket import outgoing, protocol

    outgoing.GATHERED = protocol.GATHERED = 0


def express() -> None:
    """Each text becomes a packet of Engine.IO, and is looked at as such."""
    from yekta.engineio.connection import Connection

    Connection.express = property(lambda self: None, lambda self, found: None)


def shared_frames() -> None:
    """An event for many is written for each of them."""
    from yekta.socketio.message import Message

    Message.encoded = lambda self, format: format.encode(self)


def tcp_at_once() -> None:
    """Connections are Twisted's own, which wait to be told that they may write."""
    from twisted.internet import tcp

    from yekta import ports

    class Port(tcp.Port):
        def startListening(self) -> None:
            super().startListening()
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    ports.Port = Port


def one_timer() -> None:
    """Each wait is a delayed call of the reactor."""
    timeouts.Timeouts = _OneCallEach


class _OneCallEach(timeouts.Timeouts[Key]):
    __slots__ = ("_calls", "_clock")

    def __init__(self, clock: IReactorTime, duration: float, expired: Callable[[Key], object]) -> None:
        super().__init__(clock, duration, expired)
        self._clock = clock
        self._calls: dict[Key, IDelayedCall] = {}

    def start(self, key: Key) -> None:
        self.stop(key)
        self._calls[key] = self._clock.callLater(self.duration, self._ring, key)

    def stop(self, key: Key) -> None:
        call = self._calls.pop(key, None)
        if call is not None:
            call.cancel()

    def clear(self) -> None:
        for key in list(self._calls):
            self.stop(key)

    def first(self) -> Key:
        return next(iter(self._calls))

    def __contains__(self, key: object) -> bool:
        return key in self._calls

    def __len__(self) -> int:
        return len(self._calls)

    def _ring(self, key: Key) -> None:
        del self._calls[key]
        self._expired(key)


def short_opening() -> None:
    """Autobahn reads and answers each opening handshake."""
    from yekta.websocket import upgrade

    upgrade.answer = lambda *_: None


def alike() -> None:
    """The fields of each request for a WebSocket are read, and kept, by themselves."""
    from yekta.web.alike import Alike
    from yekta.web.plain import parse

    Alike.parse = lambda self, head: (parse(head), "")


def newcomers() -> None:
    """Each new connection is verified from the beginning."""
    from yekta.engineio.newcomers import Newcomers

    Newcomers.serve = lambda self, arrival: False


def repeated_heads() -> None:
    """The head of each request is read."""
    from yekta.web.plain import parse
    from yekta.web.repeated import Repeated

    Repeated.parse = lambda self, head: parse(head)


def regulars() -> None:
    """Each poll and POST is verified from the beginning."""
    from yekta.engineio.regulars import Regulars

    Regulars.serve = lambda self, arrival: False


def rest_without_klein() -> None:
    """Klein routes each request of REST."""
    from yekta.edge.rest_door import RestDoor

    RestDoor.door = lambda self, asked: None


def chance_in_pieces() -> None:
    """The system is asked for randomness by each who needs it."""
    from yekta import ids

    ids._AT_ONCE = 1


def batches() -> None:
    """Each new session is a transaction of its own."""
    from yekta.app import batches

    batches._LARGEST = 1


def turns_of_the_log() -> None:
    """Each line of the log is written when there is something to say."""
    from yekta.turns import EndOfTurn

    EndOfTurn.add = lambda self, thing: self._deal([thing])


def cached_time() -> None:
    """Each timestamp is written anew."""
    from yekta import timestamps

    timestamps.Timestamps.now = lambda self: timestamps.iso(self._seconds())


def fast_json() -> None:
    """JSON is the standard library's."""
    from yekta import jsontext

    def dumps(value: Any, default: Any = None) -> bytes:
        return json.dumps(value, separators=(",", ":"), default=default, ensure_ascii=False).encode()

    jsontext.orjson = type("orjson", (), {"loads": json.loads, "dumps": dumps, "JSONDecodeError": json.JSONDecodeError})
    jsontext.loads, jsontext.Refused, jsontext.dumps = json.loads, json.JSONDecodeError, dumps


def lean_protocol() -> None:
    """Each connection has all that Autobahn makes for one."""
    from autobahn.twisted.websocket import WebSocketServerProtocol as Stock

    from yekta.websocket.lean import LeanProtocol
    from yekta.websocket.outgoing import Outgoing

    lean_made = Outgoing.connectionMade

    def made(self: Any) -> None:
        Stock.connectionMade(self)
        lean_made(self)

    for name in [name for name in vars(LeanProtocol) if not name.startswith("__") and name != "log"]:
        delattr(LeanProtocol, name)
    LeanProtocol.__init__ = Stock.__init__
    Outgoing.connectionMade = made


def shared_names() -> None:
    """Each object has a dictionary with names of its own, where CPython has no room for them."""
    from yekta import attributes

    attributes.share = lambda kind, *names: None


def settled_collector() -> None:
    """Python's collector looks at what it likes, when it likes."""
    from yekta.services import collector

    collector.settle = lambda: None


def leave_out() -> None:
    """Leave out what the environment names, if anything."""
    name = os.environ.get("BENCH_WITHOUT")
    if name:
        globals()[name]()
