"""Many who ask the same question at the same time share one answer.

A client that reconnects with ten sockets asks ten times for one session; the store is asked once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred

from yekta.waiters import Waiters

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """Asks ``ask(key)`` at most once at a time for each key."""

    def __init__(self, ask: Callable[[Key], Awaitable[Value]]) -> None:
        self._ask = ask
        self._waiting: dict[Key, Waiters[Value]] = {}

    async def get(self, key: Key) -> Value:
        """The answer, or what ``ask`` raises. Who is cancelled stops waiting; the others go on."""
        is_first = key not in self._waiting
        answer = self._waiting.setdefault(key, Waiters()).wait()
        if is_first:
            Deferred.fromCoroutine(self._fly(key))
        return await answer

    async def _fly(self, key: Key) -> None:
        try:
            value = await self._ask(key)
        except Exception as error:
            self._waiting.pop(key).fail(error)
        else:
            self._waiting.pop(key).tell(value)
