"""Clocks: one beside another on the wall, and one by which work takes time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock


class TwoClocks(Clock):
    """It measures; its ``wall`` is as much ``ahead`` as a test sets it, in seconds. Like a reactor it takes
    nothing that was to be before now."""

    def __init__(self, ahead: float = 0.0) -> None:
        super().__init__()
        self.ahead = ahead

    def wall(self) -> float:
        """What time it is in the world, in POSIX seconds."""
        return self.rightNow + self.ahead

    def callLater(self, when: float, what: Callable[..., object], *args: Any, **kwargs: Any) -> IDelayedCall:
        assert when >= 0
        return super().callLater(when, what, *args, **kwargs)


class BusyClock(Clock):
    """Each time it is asked, ``step`` seconds have passed. `advance` is one turn: what is set meanwhile waits."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self._step = step

    def seconds(self) -> float:
        self.rightNow += self._step
        now: float = self.rightNow
        return now

    def advance(self, amount: float) -> None:
        self.rightNow += amount
        for call in [call for call in self.calls if call.getTime() <= self.rightNow]:
            if call.active():
                self.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)
