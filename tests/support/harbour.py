"""Servers that see each other over one Redis in memory, and what each was told.

    town = Harbour()
    town.say(0, "a")                               # by the first of them
    town.redis.settle()
    town.told(1, by=0)
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from tests.support.streams import MemoryRedis
from yekta.redis.entries import read, written
from yekta.redis.others import STRANGERS
from yekta.redis.stream import StreamWire
from yekta.socketio import cluster_words as words
from yekta.socketio.cluster_words import Unreadable, Word


class Listener:
    """Whoever hears what comes over a wire. ``told``: who said which event. ``refusing``: it understands nothing.

    ``strangers``: how often they came.
    """

    def __init__(self, wire: StreamWire) -> None:
        self.wire = wire
        self.seen: list[str] = []
        self.told: list[tuple[str, Any]] = []
        self.changes = 0
        self.strangers = 0
        self.read = 0
        self.refusing = False
        wire.begin(self)
        wire.start()

    def came(self, name: str) -> None:
        assert name not in self.seen
        self.seen.append(name)
        self.changes += 1
        self.strangers += name == STRANGERS
        # As a cluster does.
        self.wire.send(name, Word(words.HELLO, data={"ask": True}))

    def went(self, name: str) -> None:
        self.seen.remove(name)
        self.changes += 1

    def reached(self, name: str, number: int) -> None:
        assert name == STRANGERS
        assert number > self.read
        self.read = number

    def doubted(self, name: str) -> None:
        assert name != STRANGERS

    def heard(self, name: str, word: Word) -> None:
        assert name in self.seen
        if self.refusing:
            raise Unreadable
        if "ask" in word.data:
            self.wire.send(name, Word(words.HELLO))
        if word.kind != words.HELLO:
            self.told.append((name, word.data.get("n")))


class Harbour:
    """Servers over one Redis. ``listeners``: one for each."""

    def __init__(self, servers: int = 3) -> None:
        self.clock = Clock()
        self.clock.advance(1_795_834_638)
        self.redis = MemoryRedis(self.clock)
        self.listeners: list[Listener] = []
        for _ in range(servers):
            self.begin()

    def begin(self) -> Listener:
        self.listeners.append(Listener(StreamWire(self.clock, self.redis.connect)))
        self.redis.settle()
        return self.listeners[-1]

    def pass_time(self, seconds: float) -> None:
        """In steps, as signs of life want to be heard."""
        for _ in range(round(seconds)):
            self.clock.advance(1)
            self.redis.settle()

    def say(self, number: int, event: Any) -> None:
        self.listeners[number].wire.publish(Word(words.EMIT, "/", {"n": event}))

    def told(self, number: int, *, by: int | None = None) -> list[Any]:
        """What one was told, by another."""
        name = STRANGERS if by is None else self.listeners[by].wire.name
        return [event for teller, event in self.listeners[number].told if teller == name]

    def seen(self) -> list[set[int]]:
        names = [listener.wire.name for listener in self.listeners]
        return [{names.index(name) for name in each.seen if name != STRANGERS} for each in self.listeners]

    def kept(self) -> list[Any]:
        """What was said and is in Redis."""
        entries = [read(fields, "") for _, fields in self.redis.entries]
        return [entry[2].data.get("n") for entry in entries if entry is not None and entry[2] is not None]

    def add(self, uid: str, word: Word) -> None:
        """As somebody else's server does."""
        self.redis.do((b"XADD", b"socket.io", b"MINID", b"0", b"*", *written(uid, word)))
        self.redis.settle()

    def leave(self, number: int) -> None:
        left = ensureDeferred(self.listeners[number].wire.leave())
        assert left.called
        self.redis.settle()

    def reader(self, number: int) -> Any:
        return self.redis.connections[2 * number + 1]

    def writer(self, number: int) -> Any:
        return self.redis.connections[2 * number]


EVERYBODY = [{1, 2}, {0, 2}, {0, 1}]
