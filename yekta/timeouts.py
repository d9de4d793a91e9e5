"""Many waits of one length for the price of one timer.

Heartbeats, hand-shakes and idle limits all wait the same time for thousands of connections. Those that started first
are due first, so an insertion-ordered dictionary is the whole queue and one delayed call serves it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from itertools import takewhile
from typing import Generic, TypeVar

from twisted.internet.interfaces import IDelayedCall, IReactorTime

Key = TypeVar("Key", bound=Hashable)

# Waits that end this close together (seconds) end in one go, so that N connections cost at most 20 wake-ups a second.
GRAIN = 0.05


class Timeouts(Generic[Key]):
    """Calls ``expired(key)`` once ``duration`` seconds have passed since ``start(key)``, unless stopped before.

    Starting again starts anew. Every operation is O(1). No delayed call is left while nothing waits.
    """

    __slots__ = ("_call", "_clock", "_due", "_expired", "duration")

    def __init__(self, clock: IReactorTime, duration: float, expired: Callable[[Key], object]) -> None:
        self.duration = duration
        self._clock = clock
        self._expired = expired
        self._due: dict[Key, float] = {}
        self._call: IDelayedCall | None = None

    def start(self, key: Key) -> None:
        """Begin to wait for ``key``, or begin again."""
        self._due.pop(key, None)
        self._due[key] = self._clock.seconds() + self.duration
        if self._call is None:
            self._call = self._clock.callLater(self.duration, self._expire)

    def stop(self, key: Key) -> None:
        """Wait for ``key`` no longer. Does nothing where nothing waits."""
        if self._due.pop(key, None) is not None and not self._due:
            self._cancel()

    def clear(self) -> None:
        """Wait for nothing any more."""
        self._due.clear()
        self._cancel()

    def first(self) -> Key:
        """The key that is due next; there must be one."""
        return next(iter(self._due))

    def __contains__(self, key: object) -> bool:
        return key in self._due

    def __len__(self) -> int:
        return len(self._due)

    def _cancel(self) -> None:
        # While it expires, the call is no longer active, but stays until the next one is known.
        if self._call is not None and self._call.active():
            self._call.cancel()
            self._call = None

    def _expire(self) -> None:
        now = self._clock.seconds()
        try:
            for key in self._all_due(now):
                # The expiry of another may have stopped it, or started it again.
                if self._due.get(key, math.inf) <= now:
                    del self._due[key]
                    self._expired(key)
        finally:
            self._call = None
            if self._due:
                first = next(iter(self._due.values()))
                self._call = self._clock.callLater(max(first - now, GRAIN), self._expire)

    def _all_due(self, now: float) -> list[Key]:
        return [key for key, _ in takewhile(lambda item: item[1] <= now, self._due.items())]
