"""Two clocks: one measures how long things take, the other, the wall clock, says what time it is in the world.

The first is the reactor's, and nobody sets it. The second is set by NTP, by hand, or when a virtual machine goes on:
back as well as forward. Twisted has one for both: set back by an hour, what was due in a minute waits for an hour and
a minute; set forward, everybody has been silent for too long.

What begins and ends in one process is measured. What is shown, stored, or told to another process is the world's time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime


def steady(reactor: Any) -> None:
    """Let ``reactor`` measure by a clock that nobody sets; its ``wall`` is the other one.

    A reactor that runs, or for which something waits, stays as it is: that would come at another time.
    """
    if not reactor.running and not reactor.getDelayedCalls():
        reactor.seconds, reactor.wall = time.monotonic, time.time


def wall_clock(clock: IReactorTime) -> Callable[[], float]:
    """What gives the world's time, in POSIX seconds: the ``wall`` of ``clock``, or that itself where it has none."""
    wall: Callable[[], float] = getattr(clock, "wall", clock.seconds)
    return wall
