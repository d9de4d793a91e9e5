"""Real services under attack, and the one judge of how they bear it.

    def test_a_hostile_thing_is_refused() -> None:
        api = pair().api
        with besieged(api, peak=16, left=4):        # megabytes
            …attack api.port…

`besieged` fails the test unless (a) the process lives on, (b) no echo of two healthy neighbours, one native and one
Socket.IO, takes longer than `PATIENCE`, (c) memory stays within ``peak`` above what it was and comes back to within
``left``, and (d) the log holds no traceback and no token.
"""

from __future__ import annotations

import atexit
import functools
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import attrs

from tests.support.attacks import Over, Wire
from tests.support.strangers import Native, SocketIO, Stranger

# The longest that a healthy client may wait for its echo, in seconds.
PATIENCE = 1.0

# Between two echoes of one neighbour, in seconds: under siege, and in peace, where it need only show that it lives.
PACE, PEACE = 0.005, 0.2

# How long memory may take to come back, in seconds.
RECOVERY = 5.0

_STARTED = re.compile(r"starting on (\d+)")


class Neighbour:
    """A healthy client that echoes continuously in a thread of its own, and knows how long it waited."""

    def __init__(self, enter: Callable[[], Stranger]) -> None:
        self._enter = enter
        self._asked = 0.0
        self._waits: list[float] = []
        self._answered = threading.Condition()
        self._stop = threading.Event()
        self._alert = threading.Event()
        self._thread = threading.Thread(target=self._echo, daemon=True)
        self.failure: BaseException | None = None
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._alert.set()
        self._thread.join(10)

    def begin(self) -> None:
        """Forget how long it waited so far, and echo many times a second."""
        self._waits = []
        self._alert.set()

    def end(self) -> None:
        """Echo now and then."""
        self._alert.clear()

    def longest_wait(self) -> float:
        """Since `begin`; an echo that is still due counts."""
        pending = monotonic() - self._asked if self._asked else 0.0
        return max([pending, *self._waits])

    def await_echoes(self, count: int = 2) -> None:
        """Return once ``count`` more echoes have come back, or the neighbour is lost."""
        with self._answered:
            target = len(self._waits) + count
            self._answered.wait_for(lambda: len(self._waits) >= target or self.failure, 2 * PATIENCE)

    def _echo(self) -> None:
        try:
            with self._enter() as stranger:
                while not self._stop.wait(PACE if self._alert.wait(PEACE) else 0):
                    self._asked = monotonic()
                    stranger.say("echo", '"hello"')
                    name, data = stranger.hear()
                    assert (name, data["received"]) == ("echo_response", "hello")
                    with self._answered:
                        self._waits.append(monotonic() - self._asked)
                        self._asked = 0.0
                        self._answered.notify_all()
        except (Over, OSError, AssertionError) as failure:
            self.failure = failure


@attrs.define(eq=False)
class Victim:
    """One running service. ``log``: what it has said so far, line by line. ``secrets`` must never be among it."""

    process: subprocess.Popen[str]
    log: list[str] = attrs.field(factory=list)
    secrets: list[str] = attrs.field(factory=list)
    port: int = 0
    token: str = ""
    neighbours: list[Neighbour] = attrs.field(factory=list)
    _started: threading.Event = attrs.field(factory=threading.Event)

    def listen(self) -> None:
        """Collect what the process says, and return once its port is open."""
        threading.Thread(target=self._collect, daemon=True).start()
        assert self._started.wait(30), "".join(self.log)
        assert self.port, "".join(self.log)

    def inhabit(self, token: str) -> None:
        """Let two healthy neighbours in."""
        self.token = token
        self.secrets.append(token)
        for kind in (Native, SocketIO):
            self.neighbours.append(Neighbour(functools.partial(kind, self.port, token)))
        for neighbour in self.neighbours:
            neighbour.await_echoes()

    def memory(self, what: str = "VmRSS") -> float:
        """Megabytes of ``VmRSS``, or of its peak ``VmHWM``."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{what}:")[1].split()[0]) / 1024

    def forget_peak(self) -> None:
        """Let ``VmHWM`` begin anew (proc(5), clear_refs)."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def stop(self) -> int:
        """End the process by SIGTERM: its exit status."""
        for neighbour in self.neighbours:
            neighbour.stop()
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(line)
            if started := _STARTED.search(line):
                self.port = int(started[1])
                self._started.set()
        self._started.set()


@contextmanager
def besieged(victim: Victim, *, peak: float = 24, left: float = 8) -> Iterator[None]:
    """Judge what happens within. ``peak``, ``left``: megabytes above the beginning, at worst and at the end."""
    lines = len(victim.log)
    for neighbour in victim.neighbours:
        neighbour.begin()
    victim.forget_peak()
    before = victim.memory()
    yield
    for neighbour in victim.neighbours:
        neighbour.await_echoes()
        neighbour.end()
    log = "".join(victim.log[lines:])
    assert victim.process.poll() is None, f"the process died: {log}"
    assert [neighbour.failure for neighbour in victim.neighbours] == [None, None]
    longest = max(neighbour.longest_wait() for neighbour in victim.neighbours)
    grown = victim.memory("VmHWM") - before
    _report(f"wait {longest:.3f} s, peak {grown:.1f} MB, left {victim.memory() - before:.1f} MB")
    assert longest < PATIENCE, f"a neighbour waited {longest:.2f} s"
    assert grown < peak, f"memory grew by {grown:.0f} MB"
    _await_memory(victim, before + left)
    assert "Traceback" not in log, log
    assert not any(secret in log for secret in victim.secrets)


def _report(line: str) -> None:
    """Shown by pytest where a test fails, or with -s."""
    print(line)


def _await_memory(victim: Victim, most: float) -> None:
    deadline = monotonic() + RECOVERY
    while (now := victim.memory()) >= most:
        assert monotonic() < deadline, f"memory stays at {now:.0f} MB, more than {most:.0f}"
        victim.neighbours[0].await_echoes()


@attrs.frozen
class Pair:
    """Both services over one database. ``doors``: every stranger's way in, by port and protocol."""

    api: Victim
    ws: Victim

    def token(self) -> str:
        """A new session's token, which no log may ever show."""
        with Wire(self.api.port) as wire:
            token: str = wire.request("POST", "/api/auth/acquire-session").json()["data"]["token"]
        for victim in (self.api, self.ws):
            victim.secrets.append(token)
        return token


def start(service: str, settings: Mapping[str, str], folder: Path) -> subprocess.Popen[str]:
    """Start one service on a free port, with nothing of our environment in its settings."""
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")}
    twistd = str(Path(sys.executable).with_name("twistd"))
    return subprocess.Popen(
        [twistd, "--nodaemon", "--pidfile=", service, "--listen", "tcp:0:interface=127.0.0.1"],
        cwd=folder,
        env={**environment, "PYTHONUNBUFFERED": "1", "DATABASE_URL": f"sqlite:///{folder}/db", **settings},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def start_pair(settings: Mapping[str, str]) -> Pair:
    """Both services with these settings, inhabited."""
    folder = tempfile.TemporaryDirectory(prefix="siege-")
    found = Pair(*(Victim(start(service, settings, Path(folder.name))) for service in ("yektayar-api", "yektayar-ws")))
    atexit.register(folder.cleanup)
    for victim in (found.api, found.ws):
        atexit.register(victim.stop)
        victim.listen()
    for victim in (found.api, found.ws):
        victim.inhabit(found.token())
    return found


@functools.cache
def pair() -> Pair:
    """Services as they come."""
    return start_pair({"AI_BASE_URL": "http://127.0.0.1:9/v1"})


@functools.cache
def hasty() -> Pair:
    """Services that wait for nobody longer than a second, and that compress."""
    times = ("REQUEST", "CONNECT", "PACKET", "UPGRADE", "CLOSE", "PING")
    settings = {f"{name}_TIMEOUT": "1" for name in times} | {"PING_INTERVAL": "1", "DEFLATE_THRESHOLD": "1"}
    return start_pair({"AI_BASE_URL": "http://127.0.0.1:9/v1", **settings})
