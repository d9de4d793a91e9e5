"""Many small writes in few transactions: while one batch is written, the next one gathers.

A commit costs far more than a row. Alone, a row is written at once; nothing waits for company.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred, fail

from yekta.app.session_store import StoreUnavailable

Row = TypeVar("Row")

# As much as one transaction may hold up others.
_LARGEST = 200


class Batches(Generic[Row]):
    """``write(rows)`` writes all of them or fails; ``most`` rows may wait, more fail with `StoreUnavailable`."""

    def __init__(self, write: Callable[[list[Row]], Awaitable[object]], most: int = 1000) -> None:
        self._write = write
        self._most = most
        self._waiting: list[tuple[Row, Deferred[None]]] = []
        self._is_writing = False

    def add(self, row: Row) -> Deferred[None]:
        """Fires once ``row`` is written, or fails as its batch did."""
        if len(self._waiting) >= self._most:
            return fail(StoreUnavailable(f"{self._most} rows wait for the database already."))
        written: Deferred[None] = Deferred()
        self._waiting.append((row, written))
        if not self._is_writing:
            self._is_writing = True
            ensureDeferred(self._write_all())
        return written

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_LARGEST], self._waiting[_LARGEST:]
            try:
                await self._write([row for row, _ in batch])
            except Exception as error:
                for _, written in batch:
                    written.errback(error)
            else:
                for _, written in batch:
                    written.callback(None)
        self._is_writing = False
