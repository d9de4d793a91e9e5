"""What waits to be written is tried again and again, in the turn of its conversation. Knows no SQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from twisted.internet.defer import CancelledError, DeferredLock, TimeoutError, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from yekta.app.database_drivers import DatabaseError
from yekta.app.unwritten import Name, Said, Unwritten
from yekta.seldom import Seldom

# Seconds until what could not be written is tried again.
AGAIN = 5.0

_log = Logger()


class CatchingUp:
    """``write`` raises `DatabaseError` where it is to be tried again; ``lock`` is a conversation's."""

    def __init__(
        self, clock: IReactorTime, write: Callable[[Said], Awaitable[None]], lock: Callable[[Name], DeferredLock]
    ) -> None:
        self.unwritten = Unwritten()
        self._clock = clock
        self._write = write
        self._lock = lock
        self._failures = Seldom(clock)
        self._loop = LoopingCall(self._write_all)
        self._loop.clock = clock
        self._stopped = self._is_over = False

    def wait(self, said: Said) -> None:
        """It could not be written, and is tried again until it can be: not once all is over."""
        if self._is_over:
            self.unwritten.lost += 1
            if self._failures.is_due("late"):
                _log.warn("The database was away for too long: what came late is not kept.")
            return
        if not self.unwritten.add(said) and self._failures.is_due("lost"):
            _log.warn("Too many answers wait to be kept in their conversations. Others are lost.")
        if not self._stopped and not self._loop.running:
            failed = partial(_log.failure, "Conversations could not be written")
            self._loop.start(AGAIN, now=False).addErrback(failed)

    async def write(self, name: Name) -> None:
        """In its turn: write what waits in one conversation, in its order."""
        for said in self.unwritten.of(name):
            try:
                await self._write(said)
            except (DatabaseError, CancelledError):
                raise
            except Exception as error:
                # It would fail each time, and whatever waits behind it. Of what kind: more may quote what was said.
                _log.error("An answer is not kept: {kind}", kind=type(error).__name__)
                self.unwritten.lost += 1
            self.unwritten.remove(said)

    async def stop(self, seconds: float, locks: list[DeferredLock]) -> None:
        """Let those end who have ``locks``, and write what waits, for so many seconds at the most; the rest is lost."""
        self._stopped = True
        if self._loop.running:
            self._loop.stop()
        with suppress(TimeoutError):
            await ensureDeferred(self._finish(locks)).addTimeout(seconds, self._clock)
        self._is_over = True
        if self.unwritten:
            _log.warn("The database was away for too long: {count} answers are not kept.", count=len(self.unwritten))

    async def _finish(self, locks: list[DeferredLock]) -> None:
        for lock in locks:
            await lock.run(lambda: None)
        await self._write_all()

    async def _write_all(self) -> None:
        """Write all that waits, until the database refuses. Whatever it refused, others come first the next time."""
        # That it refuses was said when they were to be written at first.
        with suppress(DatabaseError):
            for name in self.unwritten.names():
                self.unwritten.put_last(name)
                await self._lock(name).run(lambda name: ensureDeferred(self.write(name)), name)
        if not self.unwritten and self._loop.running:
            self._loop.stop()
