"""Many deadlines at different times for the price of one delayed call: a heap.

Where all waits have one length, :mod:`yekta.timeouts` is the simpler tool.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

# Dead entries that the heap may hold besides as many as there are live ones, before it is built anew.
SLACK = 64


class Deadlines:
    """Calls ``due(key)`` when a key's time has come. No delayed call is left while there is no key."""

    __slots__ = ("_call", "_clock", "_due", "_heap", "_times")

    def __init__(self, clock: IReactorTime, due: Callable[[str], object]) -> None:
        self._clock = clock
        self._due = due
        # The heap may name a key that is gone, or at a time that was changed; this table is right.
        self._times: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._call: IDelayedCall | None = None

    def set(self, key: str, time: float) -> None:
        """``key`` is due at ``time``, by the clock, and no more when it was before. A past time is due next turn."""
        self._times[key] = time
        if len(self._heap) > 2 * len(self._times) + SLACK:
            self._heap = [(moment, other) for other, moment in self._times.items()]
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, (time, key))
        if self._call is None or self._heap[0][1] == key:
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

    def _schedule(self) -> None:
        delay = max(0.0, self._heap[0][0] - self._clock.seconds())
        if self._call is None:
            self._call = self._clock.callLater(delay, self._fall_due)
        elif self._clock.seconds() + delay < self._call.getTime():
            self._call.reset(delay)

    def _fall_due(self) -> None:
        self._call = None
        for key in self._take_due(self._clock.seconds()):
            self._due(key)
        if self._heap:
            self._schedule()

    def _take_due(self, now: float) -> list[str]:
        keys = []
        while self._heap and self._heap[0][0] <= now:
            time, key = heapq.heappop(self._heap)
            if self._times.get(key) == time:
                del self._times[key]
                keys.append(key)
        return keys
