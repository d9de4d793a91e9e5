"""Several processes of one machine in one test: each with answers and a provider of its own, linked by lines in memory.

    town = Town("a", "b")
    town["a"].ask("m", reader)
    town.settle()                                  # whatever was said has been heard
    town["b"].provider.generations

A line carries what was written when it is told to: `settle` lets all of them, `step` one by chance. ``stuck`` processes
accept, and neither read nor reply; ``gone`` ones refuse.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.python.failure import Failure

from tests.support.clocks import TwoClocks
from tests.support.provider import ScriptedProvider
from tests.support.readers import FakeReader
from yekta.app.answers import Answers
from yekta.app.counselor import Counselor
from yekta.app.owner import Owner
from yekta.app.schemas import Chat
from yekta.link.home import Home
from yekta.link.mesh import Mesh
from yekta.link.others import Others

# Bytes after which a writer is told that the other side does not read.
FULL = 1000

# Seconds after which a home that says nothing is given up.
SILENCE = 300.0

SARA = Owner("sara")


class End:
    """One end of a line: a transport."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.other: End
        self.inbox = b""
        self.reading = True
        self.closing = self.lost = False
        self._producer: Any = None
        self._held = False

    def write(self, data: bytes) -> None:
        if not self.closing and not self.other.lost:
            self.other.inbox += data
            if self._producer is not None and len(self.other.inbox) > FULL:
                self._held = True
                self._producer.pauseProducing()

    def writeSequence(self, pieces: Iterable[bytes]) -> None:
        self.write(b"".join(pieces))

    def loseConnection(self) -> None:
        self.closing = True

    def abortConnection(self) -> None:
        self.closing = True
        self.inbox = self.other.inbox = b""

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        assert self._producer is None
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True

    @property
    def idle(self) -> bool:
        """Whether nothing can happen here."""
        return self.lost or not (self.reading if self.inbox else self._ends)

    @property
    def _ends(self) -> bool:
        # Who hangs up does so when the other side has read everything.
        return self.other.closing or (self.closing and not self.other.inbox)

    def deliver(self) -> None:
        """Read what has come, or that nothing comes any more."""
        if self.inbox and self.reading:
            data, self.inbox = self.inbox, b""
            self.protocol.dataReceived(data)
            self.other.relieved()
        elif not self.idle:
            self.lose(ConnectionDone)

    def relieved(self) -> None:
        if self._held and self._producer is not None:
            self._held = False
            self._producer.resumeProducing()

    def lose(self, reason: type[Exception]) -> None:
        if not self.lost:
            self.lost = self.closing = True
            self.protocol.connectionLost(Failure(reason()))


class Process:
    """One of them. ``counselor`` and ``everywhere`` are as in any."""

    def __init__(self, town: Town, tag: str, **bounds: int) -> None:
        self.tag = tag
        self.provider = ScriptedProvider()
        self.answers = Answers(town.clock)
        self.mesh = Mesh(town.clock, tag, partial(town.names, tag), partial(town.connect, tag))
        self.home = Home(self.answers, town.clock, self.mesh)
        self.others = Others(
            town.clock,
            tag,
            partial(town.names, tag),
            partial(town.connect, tag),
            max_characters=1000,
            silence=SILENCE,
            **bounds,
        )
        self.counselor = Counselor(self.provider, town.clock, self.answers, elsewhere=self.others)
        self.everywhere: Any = self.counselor.everywhere

    def ask(self, message_id: str, reader: FakeReader | None = None, owner: Owner = SARA, **chat: Any) -> FakeReader:
        reader = reader or FakeReader()
        self.counselor.chat(owner, Chat("?", message_id=message_id, **chat), reader, reader.send)
        return reader


class Town:
    """See the module. ``lines``: all ends of all lines."""

    def __init__(self, *tags: str, **bounds: int) -> None:
        self.clock = TwoClocks(1_769_850_302.25)
        self.lines: list[End] = []
        self.stuck: set[str] = set()
        self.gone: set[str] = set()
        self._processes = {tag: Process(self, tag, **bounds) for tag in tags}

    def __getitem__(self, tag: str) -> Process:
        return self._processes[tag]

    @property
    def generations(self) -> list[Any]:
        """Of all providers."""
        return [each for process in self._processes.values() for each in process.provider.generations]

    def names(self, tag: str) -> list[str]:
        return [each for each in self._processes if each != tag]

    def connect(self, tag: str, name: str, protocol: Any) -> Deferred[Any]:
        if name in self.gone:
            return fail(ConnectionRefusedError())
        visitor = self[name].home.buildProtocol(None)
        ends = (End(protocol), End(visitor))
        for end, other in zip(ends, reversed(ends), strict=True):
            end.other = other
        self.lines += ends
        protocol.makeConnection(ends[0])
        if visitor is None:
            ends[1].closing = ends[1].lost = True
        else:
            visitor.makeConnection(ends[1])
            ends[1].reading = name not in self.stuck
        return succeed(protocol)

    def settle(self) -> None:
        """Let everything happen that was on its way."""
        while busy := [end for end in self.lines if not end.idle]:
            for end in busy:
                end.deliver()
        self.lines = [end for end in self.lines if not end.lost]

    def step(self, random: Random) -> bool:
        """Let one thing happen; whether there was any."""
        busy = [end for end in self.lines if not end.idle]
        if busy:
            random.choice(busy).deliver()
        return bool(busy)

    def kill(self, tag: str) -> None:
        """A process ends without a word."""
        self.gone.add(tag)
        self[tag].home.hesitating.clear()
        for visitor in tuple(self[tag].home.visitors):
            visitor.transport.lost = True
            visitor.transport.other.lose(ConnectionLost)

    def close(self) -> None:
        """All end, and nothing is left."""
        for process in self._processes.values():
            process.others.let_go()
            process.mesh.leave()
            process.answers.stop()
            process.home.close()
        self.settle()
        for process in self._processes.values():
            process.home.drop()
        self.settle()
        for process in self._processes.values():
            assert process.tag in self.gone or not process.home.visitors
            assert not process.others.connections
            assert process.answers.running == 0
        assert self.clock.getDelayedCalls() == []
