"""One who asks other processes, which say whatever the test wants."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.task import Clock

from tests.support.home import framed
from tests.support.memory import MemoryTransport
from tests.support.town import SARA
from yekta.app.answers import Answers
from yekta.app.counselor import Counselor
from yekta.link.others import Others


class Asking:
    """``transports``: the processes that were asked, in their order. ``results``: what came of it."""

    def __init__(self, *names: str, most: int = 1000) -> None:
        self.clock = Clock()
        self.transports: list[MemoryTransport] = []
        self.others = Others(
            self.clock, "me", lambda: names, self._connect, max_characters=10, silence=300.0, most=most
        )
        self.answers = Answers(self.clock)
        counselor = Counselor(None, self.clock, self.answers, elsewhere=self.others)  # type: ignore[arg-type]
        self.everywhere: Any = counselor.everywhere
        self.results: list[Any] = []

    def look(self) -> None:
        ensureDeferred(self.everywhere.find(SARA, "m")).addBoth(self.results.append)

    def say(self, *values: Any, by: int = 0) -> None:
        self.transports[by].receive(b"".join(map(framed, values)))
        self.clock.advance(0)

    def _connect(self, name: str, protocol: Any) -> Deferred[Any]:
        transport = MemoryTransport(self.clock)
        transport.protocol = protocol
        self.transports.append(transport)
        protocol.makeConnection(transport)
        return succeed(protocol)
