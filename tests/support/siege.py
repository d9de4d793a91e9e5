"""Real services under attack, and the one judge of how they bear it.

    def test_a_hostile_thing_is_refused() -> None:
        api = ordinary().api
        with besieged(api, peak=16, left=4):        # megabytes
            …attack api.port…

`besieged` fails the test unless (a) the process lives on, (b) no echo of two healthy neighbours, one native and one
Socket.IO, takes longer than `PATIENCE`, (c) memory stays within ``peak`` above what it was and comes back to within
``left``, and (d) the log holds no traceback and no token.
"""

from __future__ import annotations

import atexit
import functools
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

import attrs

from tests.support.attacks import Over
from tests.support.services import Service, paired
from tests.support.strangers import Native, SocketIO, Stranger

# The longest that a healthy client may wait for its echo, in seconds.
PATIENCE = 1.0

# Between two echoes of one neighbour, in seconds: under siege, and in peace, where it need only show that it lives.
PACE, PEACE = 0.005, 0.2

# How long memory may take to come back, in seconds.
RECOVERY = 5.0


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

    @property
    def echoes(self) -> int:
        """How many have come back since `begin`."""
        return len(self._waits)

    def await_echoes(self, count: int) -> None:
        """Return once ``count`` echoes have come back since `begin`, or the neighbour is lost."""
        with self._answered:
            self._answered.wait_for(lambda: self.echoes >= count or self.failure, 2 * PATIENCE)

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
    """One running service, and its two healthy neighbours. ``secrets`` must never be in its log."""

    service: Service
    port: int
    secrets: list[str]
    token: str
    neighbours: list[Neighbour] = attrs.field(factory=list)

    def inhabit(self) -> None:
        """Let the neighbours in."""
        for kind in (Native, SocketIO):
            self.neighbours.append(Neighbour(functools.partial(kind, self.port, self.token)))
        for neighbour in self.neighbours:
            neighbour.await_echoes(1)

    def desert(self) -> None:
        """Let them leave."""
        for neighbour in self.neighbours:
            neighbour.stop()

    def memory(self, what: str = "VmRSS") -> float:
        """Megabytes of ``VmRSS``, or of its peak ``VmHWM``."""
        status = Path(f"/proc/{self.service.process.pid}/status").read_text()
        return int(status.split(f"{what}:")[1].split()[0]) / 1024

    def forget_peak(self) -> None:
        """Let ``VmHWM`` begin anew (proc(5), clear_refs)."""
        Path(f"/proc/{self.service.process.pid}/clear_refs").write_text("5")


@contextmanager
def besieged(victim: Victim, *, peak: float = 24, left: float = 8) -> Iterator[None]:
    """Judge what happens within. ``peak``, ``left``: megabytes above the beginning, at worst and at the end."""
    lines = len(victim.service.output)
    for neighbour in victim.neighbours:
        neighbour.begin()
    victim.forget_peak()
    before = victim.memory()
    yield
    # One may be under way; the next one is asked for after the attack.
    for neighbour, count in [(neighbour, neighbour.echoes + 2) for neighbour in victim.neighbours]:
        neighbour.await_echoes(count)
        neighbour.end()
    log = "".join(victim.service.output[lines:])
    assert victim.service.process.poll() is None, f"the process died: {log}"
    assert [neighbour.failure for neighbour in victim.neighbours] == [None, None]
    longest = max(neighbour.longest_wait() for neighbour in victim.neighbours)
    grown = victim.memory("VmHWM") - before
    print(f"wait {longest:.3f} s, peak {grown:.1f} MB, left {victim.memory() - before:.1f} MB")
    assert longest < PATIENCE, f"a neighbour waited {longest:.2f} s"
    assert grown < peak, f"memory grew by {grown:.0f} MB"
    _await_memory(victim, before + left)
    assert "Traceback" not in log, log
    assert not any(secret in log for secret in victim.secrets)


def _await_memory(victim: Victim, most: float) -> None:
    deadline = monotonic() + RECOVERY
    while (now := victim.memory()) >= most:
        assert monotonic() < deadline, f"memory stays at {now:.0f} MB, more than {most:.0f}"
        victim.neighbours[0].await_echoes(victim.neighbours[0].echoes + 1)


@attrs.frozen
class Town:
    """Both services over one database."""

    api: Victim
    ws: Victim


def settle(settings: Mapping[str, str]) -> Town:
    """Both services with these settings, inhabited, until Python exits."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="siege-"))
    pair = stack.enter_context(paired(Path(folder), settings))
    token = pair.acquire()
    town = Town(*(Victim(service, service.port, pair.tokens, token) for service in (pair.api, pair.ws)))
    for victim in (town.api, town.ws):
        victim.inhabit()
        stack.callback(victim.desert)
    return town


@functools.cache
def ordinary() -> Town:
    """Services as they come."""
    return settle({})


@functools.cache
def hasty() -> Town:
    """Services that wait for nobody longer than a second, and that compress."""
    times = ("REQUEST", "CONNECT", "PACKET", "UPGRADE", "CLOSE", "PING")
    return settle({f"{name}_TIMEOUT": "1" for name in times} | {"PING_INTERVAL": "1", "DEFLATE_THRESHOLD": "1"})


def victim_of(port: str, town: Callable[[], Town] = ordinary) -> Victim:
    """The service of a port, by its short name."""
    victim: Victim = getattr(town(), port)
    return victim
