"""Many who ask the same question at the same time share one answer.

A client that reconnects with ten sockets asks ten times for one session; the store is asked once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """Asks ``ask(key)`` at most once at a time for each key."""

    def __init__(self, ask: Callable[[Key], Awaitable[Value]]) -> None:
        self._ask = ask
        self._waiting: dict[Key, list[Deferred[Value]]] = {}

    async def get(self, key: Key) -> Value:
        """The answer, or what ``ask`` raises. Who is cancelled stops waiting; the others go on."""
        answer: Deferred[Value] = Deferred()
        if key in self._waiting:
            self._waiting[key].append(answer)
        else:
            self._waiting[key] = [answer]
            Deferred.fromCoroutine(self._fly(key))
        return await answer

    async def _fly(self, key: Key) -> None:
        try:
            value = await self._ask(key)
        except Exception as error:
            for answer in self._waiting.pop(key):
                answer.errback(error)
        else:
            for answer in self._waiting.pop(key):
                answer.callback(value)
