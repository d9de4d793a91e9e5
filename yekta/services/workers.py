"""The parent of several processes that share a port: it holds the sockets, and starts a process again that ends.

    starting ──READY──▶ serving ──ended, or silent for too long──▶ pausing, a little longer each time ──▶ starting
    any ──stop──▶ TERM, and wait

A worker listens on the sockets that it inherits, as if systemd had passed them, says on a pipe how it is doing, and
logs to its standard output in JSON, which goes on into our log, whatever that is. ``worker.py`` is its other end.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults, maybeDeferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.logger import Logger, eventFromJSON, globalLogPublisher
from twisted.python.failure import Failure

from yekta.ai.alarm import Alarm
from yekta.app.database import DatabaseError, prepare
from yekta.services.config import ConfigError, Settings
from yekta.services.herald import Herald
from yekta.services.listening import endpoints, listen
from yekta.services.logs import Logs
from yekta.services.node import care
from yekta.services.refusal import refuse
from yekta.services.signals import Signals
from yekta.services.worker import SILENCE, numbered

_CHILD = "yekta.services.worker_entry"

# The first of the inherited sockets (sd_listen_fds(3)).
_FIRST = 3

_DOMAINS = {socket.AF_INET: "INET", socket.AF_INET6: "INET6"}

# Seconds: until a worker must serve; between its end and the next start, at first and at the most; after so long it
# counts as stable.
START, PAUSE, LONGEST_PAUSE, STABLE = 60.0, 0.5, 30.0, 60.0

# Bytes of one line of a worker's log.
_MAX_LINE = 1 << 20


class Workers(MultiService):
    """As many workers as WORKERS says. ``given``: the options of the command line, which each worker gets too."""

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        name: str,
        settings: Settings,
        port: int,
        given: Sequence[str],
        *,
        herald: Herald,
        logs: Logs,
    ) -> None:
        super().__init__()
        self.setName(name)
        self._reactor = reactor
        self._settings = settings
        self._endpoints = settings.listen or endpoints(settings.host, port)
        self._herald = herald
        self._logs = logs
        self._ports: list[Any] = []
        self._folder = ""
        self._ready: set[int] = set()
        self.workers = [_Worker(reactor, index, self._spawn, self._is_ready) for index in range(settings.workers)]
        self._given = given

    def setServiceParent(self, parent: Any) -> None:
        """See `Logs.write_for`."""
        self._logs.write_for(parent)
        super().setServiceParent(parent)

    def startService(self) -> None:
        """``python -m twisted`` begins here: it knows no privileged start."""
        if not self._ports:
            self.privilegedStartService()
        super().startService()
        # Not before twistd has become who it is to be: the folder is the workers' too.
        self._folder = self._settings.handover_folder or tempfile.mkdtemp(prefix=f"{self.name}-")
        for worker in self.workers:
            worker.start()

    def privilegedStartService(self) -> None:
        """Open the database and the ports; as root where twistd was started as root. What would keep every worker from
        starting is found here."""
        name = str(self.name)
        try:
            prepare(self._settings.database_url)
            care(self._settings)
            numbered(self._settings.metrics_listen, 0)
        except (ConfigError, DatabaseError) as error:
            refuse(name, str(error))
        for endpoint in self._endpoints:
            # Not UNIX: the first of several that stops would take the path away from the others.
            if endpoint.partition(":")[0] not in ("tcp", "systemd") or "domain=UNIX" in endpoint:
                refuse(name, f"WORKERS above 1 can share endpoints of tcp: and systemd: only, not {endpoint!r}.")
            port: Any = listen(name, endpoint, Factory(), self._reactor)
            port.setServiceParent(self)
            port._waitingForPort.addCallback(self._hold)
        self._reactor.callWhenRunning(self._signals().install)

    def stopService(self) -> Deferred[None]:
        """Stop listening, and fire when all workers have ended."""
        self._herald.stopping()
        return ensureDeferred(self._stop())

    async def _stop(self) -> None:
        await maybeDeferred(super().stopService)
        await gatherResults([worker.stop() for worker in self.workers])
        if not self._settings.handover_folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._herald.silent()

    def _hold(self, port: Any) -> Any:
        # The workers accept, and each of us closes the socket for itself: Twisted would shut it down for all.
        port.stopReading()
        port._shouldShutdown = False
        self._ports.append(port)
        return port

    def _signals(self) -> Signals:
        return Signals(
            self._reactor,
            stop=self._reactor.stop,
            hurry=lambda: self._tell_all("TERM"),
            reload=self._reload,
        )

    def _reload(self) -> None:
        self._herald.reloading()
        self._logs.reopen()
        self._tell_all("HUP")
        self._herald.ready()

    def _tell_all(self, signal: str) -> None:
        for worker in self.workers:
            worker.tell(signal)

    def _is_ready(self, index: int) -> None:
        self._ready.add(index)
        if len(self._ready) == len(self.workers):
            self._log.info("{service}: all {number} workers serve", service=self.name, number=len(self._ready))
            self._herald.ready()

    def _spawn(self, index: int, child: ProcessProtocol) -> Any:
        sockets = {_FIRST + number: port.fileno() for number, port in enumerate(self._ports)}
        report = _FIRST + len(sockets)
        listens = [
            f"--listen=systemd:domain={_DOMAINS[port.addressFamily]}:index={number}"
            for number, port in enumerate(self._ports)
        ]
        reactor = type(self._reactor).__module__
        arguments = [reactor, str(index), str(report), self._folder, str(self.name), *listens]
        environment = {**os.environ, "LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": ":".join("w" * len(sockets))}
        return self._reactor.spawnProcess(
            child,
            sys.executable,
            [sys.executable, "-P", "-m", _CHILD, *arguments, "--", *self._given],
            env=environment,
            childFDs={0: "w", 1: "r", 2: "r", **sockets, report: "r"},
        )


class _Worker:
    """One worker, from each of its starts to its end. ``spawn(index, protocol)`` starts the process."""

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        index: int,
        spawn: Callable[[int, ProcessProtocol], Any],
        ready: Callable[[int], None],
    ) -> None:
        self.process: Any = None
        self._reactor = reactor
        self._index = index
        self._spawn = spawn
        self._ready = ready
        self._pause = PAUSE
        self._started = 0.0
        self._stopped: Deferred[None] | None = None
        self._again = Alarm(reactor, self.start)
        self._silent = Alarm(reactor, self._kill)

    def start(self) -> None:
        self._started = self._reactor.seconds()
        self._silent.set(START)
        self.process = self._spawn(self._index, _Pipes(self))

    def stop(self) -> Deferred[None]:
        """Fires when the process is gone."""
        self._again.clear()
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

    def lives(self, ready: bool) -> None:
        """A sign of life."""
        self._silent.set(SILENCE)
        if ready:
            self._ready(self._index)

    def ended(self, reason: str) -> None:
        self._silent.clear()
        self.process = None
        if self._stopped is not None:
            self._stopped.callback(None)
            return
        self._log.error("worker {index} has ended by {reason}; it starts again", index=self._index, reason=reason)
        if self._reactor.seconds() - self._started >= STABLE:
            self._pause = PAUSE
        self._again.set(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def said(self, line: bytes) -> None:
        """A line of its log, or of somebody who knows no log."""
        try:
            event = eventFromJSON(line.decode())
            event["worker"] = self._index
            event["log_system"] = f"{event['log_namespace']} worker {self._index}"
        except (ValueError, KeyError, TypeError):
            self._log.error("worker {index}: {line}", index=self._index, line=line.decode(errors="replace"))
        else:
            globalLogPublisher(event)

    def _kill(self) -> None:
        self._log.error("worker {index} gives no sign of life", index=self._index)
        self.tell("KILL")


class _Pipes(ProcessProtocol):
    """What one process says: lines of its log, and how it is doing."""

    def __init__(self, worker: _Worker) -> None:
        self._worker = worker
        self._rest: dict[int, bytes] = {}

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        *lines, rest = (self._rest.get(childFD, b"") + data).split(b"\n")
        self._rest[childFD] = rest[-_MAX_LINE:]
        for line in lines:
            if childFD >= _FIRST:
                self._worker.lives(line == b"READY=1")
            else:
                self._worker.said(line)

    def processEnded(self, reason: Failure) -> None:
        ending: Any = reason.value
        self._worker.ended(f"exit {ending.exitCode}" if ending.signal is None else f"signal {ending.signal}")
