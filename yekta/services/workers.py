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
from typing import Any

from twisted.internet.defer import gatherResults
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.logger import Logger
from twisted.python.reflect import qual

from yekta.app.database import DatabaseError, prepare
from yekta.services import link, ways
from yekta.services.checking import check
from yekta.services.config import ConfigError
from yekta.services.herald import Herald
from yekta.services.listening import listen
from yekta.services.logs import Logs
from yekta.services.options import ServiceOptions
from yekta.services.outermost import Outermost
from yekta.services.refusal import give_up, refuse
from yekta.services.supervised import Supervised
from yekta.services.worker import of_workers

_CHILD = "yekta.services.worker_entry"

# The first of the inherited sockets (sd_listen_fds(3)).
_FIRST = 3

_DOMAINS = {socket.AF_INET: "INET", socket.AF_INET6: "INET6"}


class Probe(Factory):
    """Listens for a moment, to find out whether a worker could."""

    noisy = False


class Workers(Outermost):
    """As many workers as WORKERS says, each with the options of the command line."""

    _log = Logger()

    def __init__(self, reactor: Any, options: ServiceOptions, *, herald: Herald, logs: Logs) -> None:
        super().__init__(reactor, options, options["settings"], herald=herald, logs=logs)
        self._ports: list[Any] = []
        self._folder = ""
        self._given_up = False
        self.workers = [
            Supervised(reactor, index, self._spawn, self._is_ready, self._has_failed)
            for index in range(self._settings.workers)
        ]

    def startService(self) -> None:
        """Not before twistd has become who it is to be: the folders are the workers' too."""
        super().startService()
        name = str(self.name)
        try:
            link.check(self._settings)
            if self._settings.handover_folder:
                ways.handover_folder(self._settings, name)
        except ConfigError as error:
            refuse(name, str(error))
        probes = [
            listen(name, setting, endpoint, Probe(), self._reactor, late=True, held=self._ports)
            for settings in of_workers(self._settings)
            for setting, endpoint in ways.endpoints(settings).items()
        ]
        self._folder = self._settings.handover_folder or tempfile.mkdtemp(prefix=f"{name}-")
        self._reactor.callWhenRunning(self._start, probes)

    def _start(self, probes: list[Any]) -> None:
        closed = gatherResults([probe.stopService() for probe in probes])
        closed.addCallback(lambda _: self._start_workers())

    def _start_workers(self) -> None:
        if self.running:
            for worker in self.workers:
                worker.start()

    def _open(self, name: str) -> None:
        # What would keep every worker from starting is found here, or once we are who the workers are to be.
        try:
            check(self._settings)
            prepare(self._settings.database_url)
        except (ConfigError, DatabaseError) as error:
            refuse(name, str(error))
        setting, endpoints = self._clients_endpoints()
        for endpoint in endpoints:
            port: Any = listen(name, setting, endpoint, Factory(), self._reactor)
            port.setServiceParent(self)
            port._waitingForPort.addCallback(self._hold)

    async def _close(self) -> None:
        await super()._close()
        await gatherResults([worker.stop() for worker in self.workers])
        if not self._settings.handover_folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _hold(self, port: Any) -> Any:
        # The workers accept, and each of us closes the socket for itself: Twisted would shut it down for all.
        port.stopReading()
        port._shouldShutdown = False
        self._ports.append(port)
        return port

    def _hurry(self) -> None:
        for worker in self.workers:
            worker.tell("TERM")

    def _read_again(self) -> None:
        for worker in self.workers:
            worker.reload()

    def _is_ready(self) -> None:
        if all(worker.is_ready for worker in self.workers):
            self._log.info("{service}: all {number} workers serve", service=self.name, number=len(self.workers))
            self._herald.ready()

    def _has_failed(self, words: str) -> bool:
        # Where none has ever served, none will.
        if self._given_up or not self.running or any(worker.has_served for worker in self.workers):
            return self._given_up
        self._given_up = True
        give_up(self._reactor, str(self.name), words.removeprefix(f"{self.name}: "))
        return True

    def _spawn(self, index: int, child: ProcessProtocol) -> Any:
        sockets = {_FIRST + number: port.fileno() for number, port in enumerate(self._ports)}
        report = _FIRST + len(sockets)
        listens = [
            f"--listen=systemd:domain={_DOMAINS[port.addressFamily]}:index={number}"
            for number, port in enumerate(self._ports)
        ]
        reactor, options = type(self._reactor).__module__, qual(type(self._options))
        arguments = [reactor, str(index), str(report), self._folder, options, *listens]
        environment = {**os.environ, "LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": ":".join("w" * len(sockets))}
        return self._reactor.spawnProcess(
            child,
            sys.executable,
            [sys.executable, "-P", "-m", _CHILD, *arguments, "--", *self._options.given],
            env=environment,
            childFDs={0: "w", 1: "r", 2: "r", **sockets, report: "r"},
        )
