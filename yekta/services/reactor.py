"""The reactor that the services choose where the operator did not: Twisted's epoll, with a shorter way to `doRead`.

Twisted calls every socket that can be read inside a logging context, which costs three times what it takes to find
out that there is something to read. Everything else (writing, hanging up, errors) goes Twisted's way. And it says when
a turn ends, so that what was said in it leaves then (`yekta.tcp.Corked`). Any other reactor serves as well:
``twistd --reactor=…`` is honoured.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet.main import installReactor
from twisted.python import log

from yekta.services.descriptors import Descriptors, Owners

# As many sockets are read in a turn: the first does not wait long for its answer, and timed calls are due in between.
TURN = 64

try:
    from select import EPOLLIN, EPOLLOUT

    from twisted.internet.epollreactor import EPollReactor
except ImportError:
    # Not Linux: Twisted's own choice serves.
    available = False
else:
    available = True

    class Reactor(EPollReactor):
        """See the module. ``corked``: whatever has something to say at the end of this turn, by its ``uncork``."""

        def __init__(self) -> None:
            super().__init__()
            # Whoever wakes the reactor is known already.
            internal = self._selectables
            self._reads, self._writes = Descriptors(), Descriptors()  # type: ignore[assignment]
            self._selectables = Owners()  # type: ignore[assignment]
            for fd, owner in internal.items():
                self._reads.add(fd)
                self._selectables[fd] = owner
            self.corked: list[Any] = []

        def timeout(self) -> float | None:
            """How long to sleep: asked when all that this turn brought is done, timed calls among it."""
            if self.corked:
                self._uncork()
            return super().timeout()

        def crash(self) -> None:
            """The last turn ends: what was said in it leaves, and goes into the log."""
            super().crash()
            self._uncork()

        def watch(self, fd: int, owner: Any) -> None:
            """A socket has just been made: its ``owner`` wants to read what comes."""
            self._poller.register(fd, EPOLLIN)
            self._reads.add(fd)
            self._selectables[fd] = owner

        def forget(self, fd: int) -> None:
            """A socket is about to be closed. Nobody else has it, so that this is enough to tell the kernel."""
            self._reads.discard(fd)
            self._writes.discard(fd)
            self._selectables[fd] = None

        def _uncork(self) -> None:
            for each in self.corked:
                try:
                    each.uncork()
                except Exception:
                    log.err()
            self.corked.clear()

        def doPoll(self, timeout: float | None) -> None:
            """Wait for events, and handle them."""
            selectables = self._selectables
            try:
                events = self._poller.poll(-1 if timeout is None else timeout, TURN)
            except InterruptedError:
                return
            for fd, event in events:
                selectable = selectables[fd]
                if selectable is None:
                    # Handling another has closed it.
                    continue
                if not event & EPOLLIN or event & EPOLLOUT:
                    log.callWithLogger(selectable, self._doReadOrWrite, selectable, fd, event)
                    continue
                try:
                    why = selectable.doRead()
                except BaseException as error:
                    log.err()
                    why = error
                if why:
                    log.callWithLogger(selectable, self._disconnectSelectable, selectable, why, True)

        doIteration = doPoll


def install() -> None:
    """Install it, unless a reactor is installed already."""
    if available and "twisted.internet.reactor" not in sys.modules:
        installReactor(Reactor())
