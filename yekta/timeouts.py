"""Many waits for the price of one timer.

Heartbeats, hand-shakes and idle limits all wait the same time for thousands of connections. Those that started first
are due first, so an insertion-ordered dictionary is the whole queue (:class:`Timeouts`), and all queues of one clock
share one delayed call: where connections come and go, one queue or another is empty every moment.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from itertools import takewhile
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from twisted.internet.interfaces import IDelayedCall, IReactorTime

Key = TypeVar("Key", bound=Hashable)

# Waits that end this close together (seconds) end in one go, so that N connections cost at most 20 wake-ups a second.
GRAIN = 0.05


class _SharedCall:
    """The delayed call of one clock. It may ring too early, and is silent while nobody waits."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: dict[Timeouts[Any], None] = {}
        self._call: IDelayedCall | None = None
        self._due = math.inf

    def begin(self, timeouts: Timeouts[Any], due: float) -> None:
        """``timeouts`` wait for something again, the first until ``due``."""
        self._waiting[timeouts] = None
        if due < self._due:
            self._set(due)

    def end(self, timeouts: Timeouts[Any]) -> None:
        """``timeouts`` wait for nothing any more."""
        self._waiting.pop(timeouts, None)
        if not self._waiting and self._call is not None:
            self._call.cancel()
            self._call, self._due = None, math.inf

    def _set(self, due: float) -> None:
        delay = max(due - self._clock.seconds(), 0.0)
        if self._call is None:
            self._call = self._clock.callLater(delay, self._ring)
        else:
            self._call.reset(delay)
        self._due = due

    def _ring(self) -> None:
        now = self._clock.seconds()
        # Whoever begins to wait meanwhile is looked at below.
        self._call, self._due = None, -math.inf
        try:
            for timeouts in list(self._waiting):
                timeouts.expire(now)
        finally:
            self._due = math.inf
            for timeouts in [timeouts for timeouts in self._waiting if not timeouts]:
                del self._waiting[timeouts]
            if self._waiting:
                first = min(timeouts.first_due for timeouts in self._waiting)
                self._set(max(first, now + GRAIN))


# One for each clock, and so one for each reactor, as long as somebody may wait by it.
_shared: WeakValueDictionary[IReactorTime, _SharedCall] = WeakValueDictionary()


class Timeouts(Generic[Key]):
    """Calls ``expired(key)`` once ``duration`` seconds have passed since ``start(key)``, unless stopped before.

    Starting again starts anew. Every operation is O(1). No delayed call is left while nothing waits.
    """

    __slots__ = ("_call", "_due", "_expired", "_seconds", "duration")

    def __init__(self, clock: IReactorTime, duration: float, expired: Callable[[Key], object]) -> None:
        self.duration = duration
        self._seconds = clock.seconds
        self._expired = expired
        self._due: dict[Key, float] = {}
        self._call = _shared.setdefault(clock, _SharedCall(clock))

    def start(self, key: Key) -> None:
        """Begin to wait for ``key``, or begin again."""
        due = self._due
        due.pop(key, None)
        moment = self._seconds() + self.duration
        if not due:
            self._call.begin(self, moment)
        due[key] = moment

    def stop(self, key: Key) -> None:
        """Wait for ``key`` no longer. Does nothing where nothing waits."""
        if self._due.pop(key, None) is not None and not self._due:
            self._call.end(self)

    def clear(self) -> None:
        """Wait for nothing any more."""
        self._due.clear()
        self._call.end(self)

    def first(self) -> Key:
        """The key that is due next; there must be one."""
        return next(iter(self._due))

    @property
    def first_due(self) -> float:
        """When it is due; by the clock, in seconds."""
        return next(iter(self._due.values()))

    def __contains__(self, key: object) -> bool:
        return key in self._due

    def __len__(self) -> int:
        return len(self._due)

    def expire(self, now: float) -> None:
        """For the call: end what is due."""
        for key in [key for key, _ in takewhile(lambda item: item[1] <= now, self._due.items())]:
            # The expiry of another may have stopped it, or started it again.
            if self._due.get(key, math.inf) <= now:
                del self._due[key]
                self._expired(key)
