"""One worker as its parent sees it: its process, what that says, and when the next one is started."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger, eventFromJSON, globalLogPublisher
from twisted.python.failure import Failure

from yekta.alarm import Alarm
from yekta.services.restarts import Restarts, ending, failing
from yekta.services.worker import SILENCE

# Seconds: until a worker must serve; between its end and the next start, at first and at the most; after so long of
# serving it counts as stable.
START, PAUSE, LONGEST_PAUSE, STABLE = 60.0, 0.5, 30.0, 60.0

# Bytes of one line of a worker's log.
_MAX_LINE = 1 << 20

# The descriptors of a process that take its log.
_LOG = (1, 2)


class Supervised:
    """One worker, from each of its starts to its end. ``spawn(index, protocol)`` starts the process; ``ready()`` is
    called when that serves, and ``failed(words)`` when it has ended before: whether all is given up. ``words`` are the
    last that it wrote past its log, or how it ended.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        index: int,
        spawn: Callable[[int, ProcessProtocol], Any],
        ready: Callable[[], None],
        failed: Callable[[str], bool],
    ) -> None:
        self.process: Any = None
        self.is_ready = False
        self.has_served = False
        self._is_to_reload = False
        self._reactor = reactor
        self._index = index
        self._spawn = spawn
        self._ready = ready
        self._failed = failed
        self._words = ""
        # When it began to serve, if it does.
        self._since = 0.0
        self._stopped: Deferred[None] | None = None
        self._restarts = Restarts(reactor, self.start, pause=PAUSE, longest=LONGEST_PAUSE, stable=STABLE)
        self._silent = Alarm(reactor, self._kill)

    def start(self) -> None:
        self._words, self._is_to_reload = "", False
        self._silent.set(START)
        try:
            self.process = self._spawn(self._index, _Pipes(self))
        except OSError as error:
            self.ended(failing(error))

    def stop(self) -> Deferred[None]:
        """Fires when the process is gone."""
        self._restarts.clear()
        if self.process is None:
            return succeed(None)
        self._stopped = Deferred()
        self.tell("TERM")
        return self._stopped

    def tell(self, signal: str) -> None:
        # It may have ended by itself a moment ago.
        with suppress(ProcessExitedAlready):
            if self.process is not None:
                self.process.signalProcess(signal)

    def reload(self) -> None:
        """Let it read its settings again; while it starts, as soon as it serves: the signal would end it before."""
        self._is_to_reload = not self.is_ready
        if self.is_ready:
            self.tell("HUP")

    def lives(self, ready: bool) -> None:
        """A sign of life."""
        self._silent.set(SILENCE)
        if ready and not self.is_ready:
            self.is_ready = self.has_served = True
            self._since = self._reactor.seconds()
            self._ready()
            if self._is_to_reload:
                self.reload()

    def ended(self, reason: str) -> None:
        self._silent.clear()
        was_ready = self.is_ready
        self.process, self.is_ready = None, False
        if self._stopped is not None:
            self._stopped.callback(None)
            return
        if not was_ready and self._failed(self._words or f"Worker {self._index} has ended by {reason}."):
            return
        self._log.error("worker {index} has ended by {reason}; it starts again", index=self._index, reason=reason)
        # One that was stuck before it served has lived for long, and was of no use.
        self._restarts.ended(self._reactor.seconds() - self._since if was_ready else 0.0)

    def said(self, line: bytes) -> None:
        """A line of its log, or of somebody who knows no log."""
        try:
            event = eventFromJSON(line.decode())
            event["worker"] = self._index
            event["log_system"] = f"{event['log_namespace']} worker {self._index}"
        except (ValueError, KeyError, TypeError):
            self._words = line.decode(errors="replace")
            self._log.error("worker {index}: {line}", index=self._index, line=self._words)
        else:
            globalLogPublisher(event)

    def _kill(self) -> None:
        self._log.error("worker {index} gives no sign of life", index=self._index)
        self.tell("KILL")


class _Pipes(ProcessProtocol):
    """What one process says: lines of its log, and how it is doing."""

    def __init__(self, worker: Supervised) -> None:
        self._worker = worker
        self._rest: dict[int, bytes] = {}

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        *lines, rest = (self._rest.get(childFD, b"") + data).split(b"\n")
        self._rest[childFD] = rest[-_MAX_LINE:]
        for line in lines:
            if childFD in _LOG:
                self._worker.said(line)
            else:
                self._worker.lives(line == b"READY=1")

    def processEnded(self, reason: Failure) -> None:
        self._worker.ended(ending(reason))
