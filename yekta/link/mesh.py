"""The wire of a cluster (`yekta.socketio.cluster.Wire`) between all processes of this machine over one database.

Each connects to each, and says what it has to say on its own connection; on the other's it hears. A process that comes
connects to all that are in the folder, and whoever is connected to connects back. So two see each other as soon as both
connections are there, and until one of them is lost; and what one says before the other sees it is said to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from zope.interface import implementer

from yekta.alarm import Alarm
from yekta.link import words
from yekta.link.words import Caller, Question, Words
from yekta.socketio import cluster_words
from yekta.socketio.cluster import Hearer
from yekta.socketio.cluster_words import Word

# Seconds between two looks for processes that are not seen: they are there, but were stuck, or did not understand us.
LOOK = 5.0

# Seconds after which one that was there when we came, and is not seen yet, is not waited for any more.
PATIENCE = 1.5

# Bytes that may wait for a process that does not read; then it is not seen any more.
MAX_WAITING = 16 << 20

# Characters of a name.
MAX_NAME = 64

Connect = Callable[[str, Words], Deferred[Any]]


class Inward(Protocol):
    """A connection of another process, which says something on it."""

    def heard(self, data: bytes) -> None:
        """It says something. Raises `words.Unreadable`."""

    def gone(self) -> None:
        """It is lost."""


class Mesh:
    """``name`` is ours, ``names`` tells those of all others; ``connect(name, protocol)``."""

    def __init__(self, clock: IReactorTime, name: str, names: Callable[[], Sequence[str]], connect: Connect) -> None:
        self.name = name
        self._hearer: Hearer | None = None
        self._names = names
        self._connect = connect
        self._neighbours: dict[str, Neighbour] = {}
        self._clock = clock
        self._look = Alarm(clock, self.look)
        # Until when others are waited for, from our first look on.
        self._settled_at: float | None = None
        self._over = False

    def look(self) -> None:
        """Connect to those that are there and not seen, now and from time to time, if anybody wants to know."""
        if self._hearer is None:
            return
        if self._settled_at is None:
            self._settled_at = self._clock.seconds() + PATIENCE
        for name in self._names():
            self._neighbour(name)
        self._look.set(LOOK)

    @property
    def is_settled(self) -> bool:
        """Whether those are seen that were there when we came, or are as if not there: what we say reaches them."""
        is_over = self._settled_at is None or self._clock.seconds() >= self._settled_at
        return is_over or all(each.seen for each in self._neighbours.values())

    def welcome(self, name: str, visitor: Words) -> Inward:
        """Another process has connected to us. Raises `words.Unreadable`."""
        if self._over or self._hearer is None or name == self.name or not is_name(name):
            raise words.Unreadable
        neighbour = self._neighbour(name)
        if neighbour.visitor is not None:
            # It has lost the former connection sooner than we, and will look again.
            raise words.Unreadable
        neighbour.visitor = visitor
        neighbour.look()
        return neighbour

    @property
    def hearer(self) -> Hearer:
        """Whoever is told. Nobody is seen before there is one."""
        assert self._hearer is not None
        return self._hearer

    def leave(self) -> None:
        """See nobody any more; what was said arrives."""
        self._over = True
        self._look.clear()
        for neighbour in tuple(self._neighbours.values()):
            neighbour.finish()

    # -- Wire ------------------------------------------------------------------------------------------------

    def begin(self, hearer: Hearer) -> None:
        self._hearer = hearer

    def publish(self, word: Word) -> None:
        for neighbour in tuple(self._neighbours.values()):
            neighbour.tell(word)

    def send(self, name: str, word: Word) -> None:
        neighbour = self._neighbours.get(name)
        if neighbour is not None:
            neighbour.tell(word)

    def _neighbour(self, name: str) -> Neighbour:
        neighbour = self._neighbours.get(name)
        if neighbour is None:
            outward = Outward(name, Question(words.VERSION, "mesh", self.name, ""))
            neighbour = self._neighbours[name] = Neighbour(self, outward)
            outward.neighbour = neighbour
            self._connect(name, outward).addErrback(outward.unreachable)
        return neighbour

    def forget(self, neighbour: Neighbour) -> None:
        """``neighbour`` is not there any more."""
        del self._neighbours[neighbour.name]


def is_name(name: str) -> bool:
    """Whether a process may be called so: what else it may say would be a path to anywhere."""
    return name.isascii() and name.isalnum() and len(name) <= MAX_NAME


class Neighbour:
    """Another process. ``visitor``: its connection to us, once it has one. ``seen``: whether both are there."""

    def __init__(self, mesh: Mesh, outward: Outward) -> None:
        self.name = outward.name
        self.visitor: Words | None = None
        self._mesh = mesh
        self._outward = outward
        self.seen = False
        self._lost = False

    def look(self) -> None:
        """Told of each of the two connections once: as soon as both are there, it is seen."""
        if self.visitor is not None and self._outward.open:
            self.seen = True
            self._mesh.hearer.came(self.name)

    def tell(self, word: Word) -> None:
        """Say something to it, if it is seen. Raises :class:`ValueError` for what it does not take."""
        if self.seen:
            text = word.text
            if len(text) > words.MAX_WORD:
                raise ValueError("too large for other servers")
            self._outward.tell(text)

    def heard(self, data: bytes) -> None:
        if self._lost:
            return
        try:
            self._mesh.hearer.heard(self.name, cluster_words.decode(data))
        except cluster_words.Unreadable:
            raise words.Unreadable from None

    def gone(self) -> None:
        self.lose()

    def lose(self) -> None:
        """One of the connections is lost: it is not seen any more."""
        if self._end():
            self._outward.drop()
            if self.visitor is not None:
                self.visitor.drop()

    def finish(self) -> None:
        """We go, as soon as it has been told everything."""
        if self._end():
            self._outward.finish()

    def _end(self) -> bool:
        if self._lost:
            return False
        self._lost, seen, self.seen = True, self.seen, False
        self._mesh.forget(self)
        if seen:
            self._mesh.hearer.went(self.name)
        return True


@implementer(IPushProducer)
class Outward(Caller):
    """Our connection to another process. ``open``: it has come."""

    neighbour: Neighbour

    def __init__(self, name: str, question: Question) -> None:
        # Nothing is said to us on it.
        super().__init__(name, question, 0)
        self.open = False
        self._reads = True
        self._waiting = 0

    def connectionMade(self) -> None:
        super().connectionMade()
        if not self.over:
            self.open = True
            self.transport.registerProducer(self, True)
            self.neighbour.look()

    def tell(self, text: bytes) -> None:
        """Say something, unless too much of it waits."""
        if not self._reads:
            self._waiting += len(text)
            if self._waiting > MAX_WAITING:
                self.neighbour.lose()
                return
        self.sendString(text)

    def finish(self) -> None:
        """Hang up when everything has gone out."""
        if self.open:
            self.transport.unregisterProducer()
            self.transport.loseConnection()
        else:
            self.drop()

    def gone(self) -> None:
        self.neighbour.lose()

    # -- IPushProducer: of what others have said here --------------------------------------------------------

    def pauseProducing(self) -> None:
        self._reads = False

    def resumeProducing(self) -> None:
        self._reads, self._waiting = True, 0

    def stopProducing(self) -> None:
        """It is lost, which `gone` tells."""
