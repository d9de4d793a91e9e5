"""The two services as an operator starts them: child processes in a folder of their own, on free ports.

    with started("yektayar-api", folder=tmp_path, settings={"LEGACY_STATUS": "true"}) as api:
        with Wire(api.port) as wire: …
        assert api.stop() == 0
    ended = attempt("yektayar-ws", folder=tmp_path, settings={"PORT": "x"})
    assert (ended.status, ended.err) == (1, "yektayar-ws: PORT must be …\n")

Nothing of our own environment reaches their settings. The AI is one that cannot be reached, unless
``AI_BASE_URL`` says otherwise: an embedded model in every one of them would be slow to start.
"""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import randrange
from typing import IO

import attrs
import pytest

from tests.support.attacks import Wire

# Seconds for anything a service does by itself: starting, stopping, saying something.
PATIENCE = 30.0

TWISTD = (str(Path(sys.executable).with_name("twistd")),)
PYTHON_M_TWISTED = (sys.executable, "-m", "twisted")

_FOREGROUND = ("--nodaemon", "--pidfile=")
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
_NO_AI = {"AI_BASE_URL": "http://127.0.0.1:9/v1"}
_READY = re.compile("is ready")
_OPEN = re.compile(r"starting on '?([^'\",\]\s]+)")


@attrs.frozen
class Ended:
    """A process that has come to its end."""

    status: int
    out: str
    err: str


@attrs.define(eq=False)
class Service:
    """A service that listens. ``output``: what it has said on both streams so far, line by line."""

    name: str
    process: subprocess.Popen[str]
    output: list[str] = attrs.field(factory=list)
    _said: threading.Condition = attrs.field(factory=threading.Condition)
    _readers: list[threading.Thread] = attrs.field(factory=list)

    def collect(self) -> None:
        """Begin to read what the process says."""
        for stream in (self.process.stdout, self.process.stderr):
            reader = threading.Thread(target=self._collect, args=(stream,), daemon=True)
            reader.start()
            self._readers.append(reader)

    def await_line(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """The first line, said already or still to come, in which ``pattern`` is found."""
        with self._said:
            found = self._said.wait_for(lambda: self._find(pattern) or self._is_silent(), PATIENCE)
            match = self._find(pattern)
        assert match is not None, f"{pattern.pattern!r} {'never came' if found else 'is late'}: {self.text}"
        return match

    @property
    def text(self) -> str:
        return "".join(self.output)

    @property
    def port(self) -> int:
        """Of its first endpoint, which must be a TCP one."""
        return int(self.await_line(_OPEN)[1])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal, and wait: its exit status, negative for a signal."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Its exit status, once it has ended and everything it said was read."""
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} does not end: {self.text}") from None
        for reader in self._readers:
            reader.join(PATIENCE)
        return status

    def _collect(self, stream: IO[str]) -> None:
        for line in stream:
            with self._said:
                self.output.append(line)
                self._said.notify_all()
        stream.close()
        with self._said:
            self._said.notify_all()

    def _find(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return next(filter(None, map(pattern.search, self.output)), None)

    def _is_silent(self) -> bool:
        return self.process.poll() is not None and not any(reader.is_alive() for reader in self._readers)


@contextmanager
def started(
    name: str,
    *options: str,
    folder: Path,
    settings: Mapping[str, str] | None = None,
    twistd: Sequence[str] = (*TWISTD, *_FOREGROUND),
    listen: Sequence[str] = ("tcp:0:interface=127.0.0.1",),
    stdin: int = subprocess.DEVNULL,
) -> Iterator[Service]:
    """A service that listens, ended where the test has not. With an empty ``listen`` it does so by its settings."""
    endpoints = [f"--listen={endpoint}" for endpoint in listen]
    process = subprocess.Popen(
        [*twistd, name, *endpoints, *options],
        cwd=folder,
        env=environment(settings),
        text=True,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    service = Service(name, process)
    service.collect()
    try:
        service.await_line(_READY)
        yield service
    finally:
        service.stop()


def attempt(
    name: str,
    *options: str,
    folder: Path,
    settings: Mapping[str, str] | None = None,
    twistd: Sequence[str] = (*TWISTD, *_FOREGROUND),
    stderr: int = subprocess.PIPE,
) -> Ended:
    """Start a service that will not stay, or whose starter returns, and wait for that."""
    done = subprocess.run(
        [*twistd, name, *options],
        cwd=folder,
        env=environment(settings),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        timeout=PATIENCE,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr or "")


def await_end(pidfile: Path) -> None:
    """Wait for a daemon, which is not our child, to be over; twistd removes the file just before."""
    with suppress(FileNotFoundError, ProcessLookupError):
        daemon = os.pidfd_open(int(pidfile.read_text()))
        readable, _, _ = select.select([daemon], [], [], PATIENCE)
        os.close(daemon)
        assert readable, "the daemon does not end"


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a child process gets to see."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PYTHONUNBUFFERED": "1", **_NO_AI, **(settings or {})}


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on; none that the system gives to whoever connects."""
    while True:
        port = randrange(20_000, 32_768)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


@attrs.frozen
class Pair:
    """Both services over one database. ``tokens``: of all sessions, to be found in no log."""

    api: Service
    ws: Service
    tokens: list[str] = attrs.field(factory=list)

    @property
    def api_url(self) -> str:
        return f"http://localhost:{self.api.port}"

    @property
    def ws_url(self) -> str:
        return f"http://localhost:{self.ws.port}"

    def acquire(self) -> str:
        """The token of a new session."""
        token = acquire(self.api.port)
        self.tokens.append(token)
        return token

    def logout(self, token: str) -> None:
        """End a session, on the API service."""
        with Wire(self.api.port) as wire:
            answer = wire.request("POST", "/api/auth/logout", f"Authorization: Bearer {token}")
        assert answer.status == 200, answer


def acquire(port: int) -> str:
    """The token of a new session, from the API service on ``port``."""
    with Wire(port) as wire:
        token: str = wire.request("POST", "/api/auth/acquire-session").json()["data"]["token"]
    return token


@contextmanager
def paired(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Pair]:
    """Both services, sharing a database, on ports that each knows of the other."""
    ports = {"PORT": str(free_port()), "WEBSOCKET_PORT": str(free_port())}
    shared = {"DATABASE_URL": f"sqlite:///{folder}/shared.db", **ports, **(settings or {})}
    with ExitStack() as stack:
        api, ws = (
            stack.enter_context(started(name, folder=folder, settings=shared, listen=()))
            for name in ("yektayar-api", "yektayar-ws")
        )
        assert (api.port, ws.port) == (int(ports["PORT"]), int(ports["WEBSOCKET_PORT"]))
        yield Pair(api, ws)


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both services as they come, the embedded model included; stopped cleanly, without a word of distress.

    An answer that nobody follows any more ends at once: the next test's client wants the model for itself.
    Nor is anybody waited for long, at the end, who has left without a word.
    """
    settings = {"AI_BASE_URL": "", "AI_ORPHAN_SECONDS": "0.1", "CLOSE_TIMEOUT": "1"}
    with paired(tmp_path_factory.mktemp("pair"), settings) as pair:
        yield pair
        for service in (pair.api, pair.ws):
            assert service.stop() == 0
            assert "Traceback" not in service.text, service.text
            assert not any(token in service.text for token in pair.tokens)
