"""What was deleted is to leave the log beside an SQLite file, too, which has each page as it was before.

Soon, and once for all that was deleted meanwhile: writers wait until the log is copied and the disk has it.
"""

from __future__ import annotations

from contextlib import suppress

from twisted.internet.defer import TimeoutError, ensureDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from yekta.app.database import Database, DatabaseError

# Seconds from a deletion until then, and until it is tried again where others were reading.
SOON = 5.0


class Erasing:
    """See the module."""

    def __init__(self, database: Database, clock: IReactorTime) -> None:
        self._database = database
        self._clock = clock
        self._due: IDelayedCall | None = None
        self._stopped = False

    def begin(self) -> None:
        """Something was deleted."""
        if self._due is None and not self._stopped:
            self._due = self._clock.callLater(SOON, self._begin)

    async def stop(self, seconds: float) -> None:
        """Try it once more, if need be, for so many seconds at the most. Who closes the database last erases all."""
        self._stopped = True
        if self._due is not None:
            self._due.cancel()
            self._due = None
            with suppress(TimeoutError):
                await ensureDeferred(self._erase()).addTimeout(seconds, self._clock)

    def _begin(self) -> None:
        self._due = None
        ensureDeferred(self._erase())

    async def _erase(self) -> None:
        is_done = False
        with suppress(DatabaseError):
            is_done = await self._database.erase()
        if not is_done:
            self.begin()
