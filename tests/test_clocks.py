"""Two clocks: what is due comes in time, however the other one is set."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock

from tests.support.clocks import TwoClocks
from yekta.clocks import steady, wall_clock

# In a process of its own: a process has one reactor, and Twisted takes the system's clock when it is imported. That is
# set while something is waited for; then nothing is left to wait for.
PROGRAM = """
import time
system, ahead = time.time, 0.0
time.time = lambda: system() + ahead

from twisted.internet.REACTORreactor import install
install()
from twisted.internet import reactor
from yekta.clocks import steady
steady(reactor)

def set_clock():
    global ahead
    ahead = AHEAD
    again.reset(0.2)
    reactor.callLater(0.1, due.append, "first")

due = []
reactor.callLater(0.05, set_clock)
again = reactor.callLater(0.2, due.append, "second")
reactor.callLater(0.4, reactor.stop)
began = time.monotonic()
reactor.run()
print(*due, time.monotonic() - began >= 0.4, round(reactor.wall() - system()))
"""


@pytest.mark.parametrize("ahead", [-3600, 3600], ids=["back", "forward"])
@pytest.mark.parametrize("reactor", ["epoll", "poll", "select", "asyncio"])
def test_what_is_due_comes_in_time_though_the_system_s_clock_is_set(reactor: str, ahead: int) -> None:
    if reactor == "epoll" and sys.platform != "linux":
        pytest.skip("epoll is Linux's")
    program = PROGRAM.replace("REACTOR", reactor).replace("AHEAD", str(ahead))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False)
    assert (ended.stdout, ended.stderr) == (f"first second True {ahead}\n", "")


def test_a_reactor_that_waits_for_something_already_stays_as_it_is() -> None:
    reactor = MemoryReactorClock()
    waiting = reactor.callLater(1, lambda: None)
    steady(reactor)
    assert reactor.seconds() == 0.0
    waiting.cancel()
    steady(reactor)
    assert reactor.seconds is time.monotonic


def test_a_reactor_that_runs_stays_as_it_is() -> None:
    reactor = MemoryReactorClock()
    reactor.running = True
    steady(reactor)
    assert reactor.seconds() == 0.0


def test_the_world_s_time_is_the_wall_s_where_there_is_one() -> None:
    clock = TwoClocks(1000.0)
    clock.advance(1.0)
    assert wall_clock(clock)() == 1001.0
    alone = Clock()
    alone.advance(1.0)
    assert wall_clock(alone)() == 1.0
