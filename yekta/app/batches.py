"""Many small jobs for the database in few: while one batch is done, the next one gathers.

A commit costs far more than a row, and a way through a database thread more than what is looked up there. Alone, a job
is done at once; nothing waits for company.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred, fail

from yekta.app.session_store import StoreUnavailable

Job = TypeVar("Job")
Answer = TypeVar("Answer")

# As much as one batch may hold up others.
_LARGEST = 200


class Batches(Generic[Job, Answer]):
    """``do(jobs)`` gives an answer for each, in their order, or fails for all; ``most`` jobs may wait, more fail with
    `StoreUnavailable`. Where ``do`` fails with it, so do all that waited already when their batch would have begun.
    """

    def __init__(self, do: Callable[[list[Job]], Awaitable[Sequence[Answer]]], most: int = 1000) -> None:
        self._do = do
        self._most = most
        self._waiting: list[tuple[Job, Deferred[Answer]]] = []
        self._is_working = False

    def add(self, job: Job) -> Deferred[Answer]:
        """Fires with the answer to ``job``, or fails as its batch did."""
        if len(self._waiting) >= self._most:
            return fail(StoreUnavailable(f"{self._most} rows wait for the database already."))
        done: Deferred[Answer] = Deferred()
        self._waiting.append((job, done))
        if not self._is_working:
            self._is_working = True
            ensureDeferred(self._do_all())
        return done

    async def _do_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_LARGEST], self._waiting[_LARGEST:]
            behind = len(self._waiting)
            try:
                answers = await self._do([job for job, _ in batch])
            except Exception as error:
                if isinstance(error, StoreUnavailable):
                    # Who came before it began has waited for as long. One batch after another would each wait until a
                    # database that is frozen is given up.
                    batch += self._waiting[:behind]
                    del self._waiting[:behind]
                for _, done in batch:
                    done.errback(error)
            else:
                for (_, done), answer in zip(batch, answers, strict=True):
                    done.callback(answer)
        self._is_working = False
