"""A narrow way of TCP to a Redis: what comes through it can be cut, anywhere, and held up.

    async with strait(redis.port) as way:
        wire = StreamWire(reactor, partial(Lasting, reactor, parse(way.url)))
        way.cut(READER)                            # one of the wire's two connections
        way.freeze()                               # whoever comes is let in, and nothing is said any more
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from tests.support.redis import PASSWORD

reactor: Any = _reactor

# The two connections of a wire, by what is said on them first.
READER, WRITER = "reader", "writer"
_KINDS = {b"XREVRANGE": READER, b"XRANGE": READER, b"XREAD": READER, b"XADD": WRITER}


class Passage(Protocol):
    """One connection. ``kind``: `READER` or `WRITER`, once that is known."""

    transport: Any
    kind = ""

    def __init__(self, strait: Strait) -> None:
        self._strait = strait
        self._far: _Far | None = None
        self._said = bytearray()
        self._held = bytearray()
        self._cut = False

    def connectionMade(self) -> None:
        self._strait.passages.append(self)
        there = TCP4ClientEndpoint(reactor, "127.0.0.1", self._strait.target)
        connectProtocol(there, _Far(self)).addErrback(lambda _: self.transport.abortConnection())

    def dataReceived(self, data: bytes) -> None:
        if not self.kind:
            self.kind = next((kind for word, kind in _KINDS.items() if word in data), "")
        self._said += data
        self.flow()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._strait.passages.remove(self)
        if self._far is not None:
            self._far.transport.abortConnection()

    def joined(self, far: _Far) -> None:
        self._far = far
        if self in self._strait.passages:
            self.flow()
        else:
            far.transport.abortConnection()

    def replied(self, data: bytes) -> None:
        """Redis says something."""
        self._held += data
        self.flow()

    def flow(self) -> None:
        """Let through what may be."""
        strait = self._strait
        if strait.is_frozen(self) or self._cut:
            return
        if self._far is not None and self._said:
            said, self._said = self._said, bytearray()
            self._far.transport.write(bytes(said))
        held, self._held = self._held, bytearray()
        if strait.left is not None and strait.kind in ("", self.kind):
            held = held[: strait.left]
            strait.left -= len(held)
        self.transport.write(bytes(held))
        if strait.left == 0 and strait.kind in ("", self.kind):
            strait.left = None
            self._cut = True
            self.transport.loseConnection()


class _Far(Protocol):
    transport: Any

    def __init__(self, near: Passage) -> None:
        self._near = near

    def connectionMade(self) -> None:
        self._near.joined(self)

    def dataReceived(self, data: bytes) -> None:
        self._near.replied(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._near.transport.abortConnection()


class Strait(Factory):
    """See the module. ``left``: bytes of replies until a connection of a ``kind`` is cut, if one is to be."""

    noisy = False

    def __init__(self, target: int) -> None:
        self.target = target
        self.passages: list[Passage] = []
        self.left: int | None = None
        self.kind = ""
        self._frozen: str | None = None
        self._port = reactor.listenTCP(0, self, interface="127.0.0.1")

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self._port.getHost().port}/3"

    def buildProtocol(self, addr: object) -> Passage:
        return Passage(self)

    def is_frozen(self, passage: Passage) -> bool:
        return self._frozen is not None and self._frozen in ("", passage.kind)

    def cut(self, kind: str = "") -> None:
        """End all connections, or those of a ``kind``."""
        for passage in tuple(self.passages):
            if kind in ("", passage.kind):
                passage.transport.abortConnection()

    def cut_after(self, kind: str, count: int) -> None:
        """End the first connection of a ``kind`` on which so many bytes of replies have come from here on."""
        self.kind, self.left = kind, count

    def freeze(self, kind: str = "") -> None:
        """Say nothing any more on all connections, or on those of a ``kind``."""
        self._set(kind)

    def thaw(self) -> None:
        """Say what was held up."""
        self._set(None)

    def _set(self, frozen: str | None) -> None:
        self._frozen = frozen
        for passage in tuple(self.passages):
            passage.flow()

    async def close(self) -> None:
        self.cut()
        await self._port.stopListening()


@asynccontextmanager
async def strait(target: int) -> AsyncIterator[Strait]:
    """A way to the Redis at the port ``target``."""
    way = Strait(target)
    try:
        yield way
    finally:
        await way.close()
