"""Hears from the store which sessions have ended, in whichever process that was.

One query per interval, however many sessions there are, for as long as somebody wants to hear. While the store is down
the reader keeps its place, and catches up afterwards with whatever the feed still holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta.app.session_store import ENDED_KEPT, SessionStore, StoreUnavailable
from yekta.clocks import wall_clock

# Entries taken with one query. A batch that is full is followed by the next at once.
BATCH = 500

_log = Logger()


class EndedFeed:
    """Calls ``ended(session_id, reason)`` for each entry of the store's feed, in order, once.

    ``wanted()`` is asked after each reading; where it says no, the feed is not read until the next :meth:`start`.
    """

    def __init__(
        self,
        store: SessionStore,
        clock: IReactorTime,
        interval: float,
        ended: Callable[[str, str], object],
        wanted: Callable[[], bool],
    ) -> None:
        #: When the feed was last read to its end, by the clock; never, while nobody reads it.
        self.caught_up_at = -math.inf
        #: Since when no entry can have been missed: the store keeps each for a while only, and nobody may have read.
        self.unbroken_since = math.inf
        # By both clocks: where a machine sleeps the one stands still, and elsewhere entries are forgotten meanwhile.
        self._read_at = self._read_at_wall = -math.inf
        self._store = store
        self._clock = clock
        self._wall = wall_clock(clock)
        self._interval = interval
        self._ended = ended
        self._wanted = wanted
        # From the feed's beginning: a session that is held now may have ended just before anybody listened.
        self._sequence = 0
        self._next: IDelayedCall | None = None
        self._poll: Deferred[None] | None = None
        self._is_failing = False

    def start(self) -> None:
        """Read the feed every interval. Does nothing when already started."""
        if self._next is None and self._poll is None:
            self._next = self._clock.callLater(self._interval, self._start_poll)

    def stop(self) -> None:
        """Leave off, and keep the place for the next start."""
        self.caught_up_at = -math.inf
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._poll is not None:
            self._poll.cancel()

    def _start_poll(self) -> None:
        self._next = None
        self._poll = Deferred.fromCoroutine(self._read())
        self._poll.addErrback(self._failed).addBoth(self._polled)

    def _polled(self, is_stopped: bool | None) -> None:
        self._poll = None
        if not is_stopped and self._wanted():
            self.start()
        else:
            self.stop()

    async def _read(self) -> None:
        began, wall = self._clock.seconds(), self._wall()
        while await self._read_batch() == BATCH:
            pass
        if max(began - self._read_at, wall - self._read_at_wall) > ENDED_KEPT / 2:
            self.unbroken_since = began
        self._read_at = self.caught_up_at = began
        self._read_at_wall = wall
        if self._is_failing:
            self._is_failing = False
            _log.info("The feed of ended sessions is read again.")

    async def _read_batch(self) -> int:
        entries = await self._store.ended_after(self._sequence, BATCH)
        for entry in entries:
            self._sequence = entry.sequence
            self._ended(entry.session_id, entry.reason)
        return len(entries)

    def _failed(self, failure: Failure) -> bool:
        """Whether this was no failure, but :meth:`stop`. An outage is logged once, not with every poll."""
        if isinstance(failure.value, CancelledError):
            return True
        if not isinstance(failure.value, StoreUnavailable):
            _log.failure("The feed of ended sessions cannot be read.", failure)
        elif not self._is_failing:
            self._is_failing = True
            _log.warn("The feed of ended sessions cannot be read: {reason}", reason=str(failure.value))
        return False
