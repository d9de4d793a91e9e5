"""Many deadlines at different times for the price of one delayed call: a heap of those that are near.

What is due in days need not be in order before then: that would take more room than all else that is known of it.
Where all waits have one length, :mod:`yekta.timeouts` is the simpler tool.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from yekta.clocks import wall_clock

# What is due within so many seconds is near; as often, the others are looked at.
NEAR = 3600.0

# Seconds after which the clock is looked at again, whatever is due: it may have been set meanwhile.
LOOK = 60.0

# Dead entries that the heap may hold besides as many as there are live ones, before it is built anew.
SLACK = 64


class Deadlines:
    """Calls ``due(key)`` when a key's time has come, by the wall; up to `LOOK` later where that was set forward.

    No delayed call is left while there is no key.
    """

    __slots__ = ("_call", "_clock", "_due", "_heap", "_horizon", "_moment", "_times", "_wall")

    def __init__(self, clock: IReactorTime, due: Callable[[str], object]) -> None:
        self._clock = clock
        self._wall = wall_clock(clock)
        self._due = due
        self._times: dict[str, float] = {}
        # What is due before the horizon. It may name a key that is gone, or at a time that was changed.
        self._heap: list[tuple[float, str]] = []
        self._horizon = 0.0
        self._call: IDelayedCall | None = None
        # When it comes. What it says itself is rounded, and would be a little later than what is not due before.
        self._moment = 0.0

    def set(self, key: str, time: float) -> None:
        """``key`` is due at ``time``, POSIX seconds, and no more when it was before. A past time is due next turn."""
        self._times[key] = time
        if self._wall() >= self._horizon or len(self._heap) > 2 * len(self._times) + SLACK:
            self._look_ahead()
        elif time < self._horizon:
            heapq.heappush(self._heap, (time, key))
        self._schedule()

    def discard(self, key: str) -> None:
        """Forget a key, known or not."""
        self._times.pop(key, None)
        if not self._times:
            self.clear()

    def clear(self) -> None:
        """Forget every key."""
        self._times.clear()
        self._heap.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _look_ahead(self) -> None:
        self._horizon = self._wall() + NEAR
        self._heap = [(time, key) for key, time in self._times.items() if time < self._horizon]
        heapq.heapify(self._heap)

    def _schedule(self) -> None:
        """Be called when the first is due, or the horizon is reached, or it is time to look."""
        moment = self._heap[0][0] if self._heap else self._horizon
        if self._call is not None and moment >= self._moment:
            return
        now = self._wall()
        self._moment = min(moment, now + LOOK)
        delay = max(0.0, self._moment - now)
        if self._call is None:
            self._call = self._clock.callLater(delay, self._fall_due)
        else:
            self._call.reset(delay)

    def _fall_due(self) -> None:
        self._call = None
        now = self._wall()
        for key in self._take_due(now):
            self._due(key)
        if self._times:
            if now >= self._horizon:
                self._look_ahead()
            self._schedule()

    def _take_due(self, now: float) -> list[str]:
        keys = []
        while self._heap and self._heap[0][0] <= now:
            time, key = heapq.heappop(self._heap)
            if self._times.get(key) == time:
                del self._times[key]
                keys.append(key)
        return keys
