"""Connections to processes of other machines, over the wire of their rooms, whose words carry what is said on them.

`Lines` stands between the wire and its cluster, which hears all other words. A line is there for one question and what
is replied to it. Nobody who says more than the other reads is held back: what is said of an answer is kept where it is
shown as well, and so has its bound there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta.socketio import cluster_words as words
from yekta.socketio.cluster import Hearer, Wire
from yekta.socketio.cluster_words import Word
from yekta.turns import NextTurn

# The kind of our words, beyond those of a cluster. Their data: a ``line``'s number, whether it is ``mine`` who say so,
# whether this is the ``first`` and the ``last`` word on it, and ``bytes``.
LINE = 96

# Bytes of one word: a wire takes no more than some megabytes.
PIECE = 1 << 20


class Key(NamedTuple):
    """Which line: the other's ``name``, whether the line is ``mine``, and its number among those of whose it is."""

    name: str
    mine: bool
    number: int


class Lines:
    """To the cluster a `yekta.socketio.cluster.Wire`. ``is_up``: whether what is said on ``wire`` is heard."""

    def __init__(self, wire: Wire, clock: IReactorTime, is_up: Callable[[], bool]) -> None:
        self.name = wire.name
        self.publish, self.send = wire.publish, wire.send
        self._wire = wire
        self._is_up = is_up
        self._hearer: Hearer
        self._factory: Factory | None = None
        self._names: set[str] = set()
        self._lines: dict[Key, Line] = {}
        self._ids = count(1)
        self.to_flush: NextTurn[Line] = NextTurn(clock, Line.flush)

    @property
    def names(self) -> tuple[str, ...]:
        """The processes that can be connected to."""
        return tuple(self._names) if self._is_up() else ()

    def open(self, factory: Factory) -> None:
        """Let others in: each gets a protocol of ``factory``."""
        self._factory = factory

    def close(self) -> None:
        """Let nobody in any more; those who are in stay."""
        self._factory = None

    def connect(self, name: str, protocol: Any) -> Deferred[Any]:
        """Reach the process ``name``."""
        if name not in self.names:
            return fail(ConnectionRefusedError())
        self._begin(Key(name, mine=True, number=next(self._ids)), protocol)
        return succeed(protocol)

    def say(self, key: Key, data: bytes, *, first: bool = False, last: bool = False) -> None:
        """Tell the other end of a line something; it is over after the ``last``."""
        if last:
            self._lines.pop(key, None)
        said = {"line": key.number, "mine": key.mine, "first": first, "last": last, "bytes": data}
        self._wire.send(key.name, Word(LINE, data=said))

    # -- Wire, and Hearer ------------------------------------------------------------------------------------

    def begin(self, hearer: Hearer) -> None:
        self._hearer = hearer
        self._wire.begin(self)

    def came(self, name: str) -> None:
        self._hearer.came(name)

    def went(self, name: str) -> None:
        self._names.discard(name)
        self._lose(name)
        self._hearer.went(name)

    def reached(self, name: str, number: int) -> None:
        self._hearer.reached(name, number)

    def doubted(self, name: str) -> None:
        self._hearer.doubted(name)

    def heard(self, name: str, word: Word) -> None:
        if word.kind == LINE:
            self._said(name, word.data)
            return
        self._hearer.heard(name, word)
        if word.kind == words.HELLO and not word.data.get("mute"):
            self._names.add(name)
            if word.data.get("ask"):
                # It did not see us until now: should we have seen it, it has lost its ends of all lines.
                self._lose(name)

    def _lose(self, name: str) -> None:
        for key in [key for key in self._lines if key.name == name]:
            self._lines.pop(key).lost(ConnectionLost())

    def _said(self, name: str, data: dict[str, Any]) -> None:
        mine, first, last = (words.field(data, each, bool) for each in ("mine", "first", "last"))
        key = Key(name, not mine, words.field(data, "line", int))
        said = words.field(data, "bytes", bytes)
        if mine and first and key not in self._lines:
            self._welcome(key)
        line = self._lines.get(key)
        if line is not None:
            line.heard(said)
            if last:
                self._lines.pop(key, None)
                line.lost(ConnectionDone())

    def _welcome(self, key: Key) -> None:
        protocol = None if self._factory is None else self._factory.buildProtocol(None)
        if protocol is None:
            self.say(key, b"", last=True)
        else:
            self._begin(key, protocol)

    def _begin(self, key: Key, protocol: Any) -> None:
        line = self._lines[key] = Line(self, key, protocol)
        protocol.makeConnection(line)


class Line:
    """One end of a line: a transport. What is written in one turn of the reactor goes out together."""

    _log = Logger()

    def __init__(self, lines: Lines, key: Key, protocol: Any) -> None:
        self._lines = lines
        self._key = key
        self._protocol = protocol
        self._parts: list[bytes] = []
        self._first = key.mine
        self._closing = False

    def write(self, data: bytes) -> None:
        if not self._closing:
            self._parts.append(data)
            self._lines.to_flush.add(self)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Hang up when everything has gone out."""
        self._closing = True
        self._lines.to_flush.add(self)

    def abortConnection(self) -> None:
        """Hang up; what has not gone out is lost."""
        self._parts.clear()
        self.loseConnection()

    def flush(self) -> None:
        """Send what was written in this turn."""
        data = b"".join(self._parts)
        self._parts.clear()
        if self._protocol is None:
            return
        while len(data) > PIECE:
            self._say(data[:PIECE])
            data = data[PIECE:]
        self._say(data, last=self._closing)
        if self._closing:
            self.lost(ConnectionDone())

    def _say(self, data: bytes, *, last: bool = False) -> None:
        self._lines.say(self._key, data, first=self._first, last=last)
        self._first = False

    def heard(self, data: bytes) -> None:
        """The other end says something."""
        try:
            if data and not self._closing:
                self._protocol.dataReceived(data)
        except Exception:
            self._log.failure("What came on a line had no effect")
            self.abortConnection()

    def lost(self, reason: Exception) -> None:
        """It is over, if it was not: saying something may have ended it."""
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(reason))

    # -- producers: see the module ---------------------------------------------------------------------------

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        """It is never told to pause."""

    def unregisterProducer(self) -> None:
        pass

    def pauseProducing(self) -> None:
        """What comes is taken all the same."""

    def resumeProducing(self) -> None:
        pass
