"""How many events one connection may send: a bucket that is refilled only when it is empty, so it costs nothing."""

from __future__ import annotations

import attrs
from twisted.internet.interfaces import IReactorTime


@attrs.frozen
class Rate:
    """``rate`` events a second on average, ``burst`` at once; a rate of 0 is no limit."""

    rate: float = 0.0
    burst: int = 100


NO_LIMIT = Rate()


class Budget:
    """What one connection has left."""

    __slots__ = ("_filled", "_left")

    def __init__(self) -> None:
        self._left = 0.0
        self._filled = -float("inf")

    def take(self, rate: Rate, clock: IReactorTime) -> float:
        """Take one. Gives 0, or after how many seconds there will be one again."""
        self._left -= 1
        if self._left >= 0:
            return 0.0
        now = clock.seconds()
        self._left = min(self._left + (now - self._filled) * rate.rate, rate.burst - 1)
        self._filled = now
        if self._left >= 0:
            return 0.0
        # Nothing was taken.
        self._left += 1
        return (1 - self._left) / rate.rate
