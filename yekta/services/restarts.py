"""When a process of ours that has ended is started again: after a pause, longer each time, until one was stable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from yekta.alarm import Alarm


class Restarts:
    """Calls ``start`` after ``pause`` seconds, doubled up to ``longest``; anew after one that lived for ``stable``."""

    def __init__(
        self, clock: IReactorTime, start: Callable[[], object], *, pause: float, longest: float, stable: float
    ) -> None:
        self._again = Alarm(clock, start)
        self._first, self._longest, self._stable = pause, longest, stable
        self._pause = pause

    def ended(self, lived: float) -> None:
        """It has ended, ``lived`` seconds after it was of use."""
        if lived >= self._stable:
            self._pause = self._first
        self._again.set(self._pause)
        self._pause = min(2 * self._pause, self._longest)

    def clear(self) -> None:
        """Start it no more."""
        self._again.clear()


def ending(reason: Failure) -> str:
    """How a process ended, for a `ProcessProtocol`."""
    ended: Any = reason.value
    return f"exit {ended.exitCode}" if ended.signal is None else f"signal {ended.signal}"


def failing(error: OSError) -> str:
    """How one ended that could not be started: of descriptors, memory or processes there may be more in a while."""
    return f"a start that failed: {error.strerror}"
