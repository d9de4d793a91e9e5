"""Several who wait for one thing, each with a Deferred of its own: whoever gives up takes it from nobody else."""

from __future__ import annotations

from typing import Generic, TypeVar

from twisted.internet.defer import Deferred

Value = TypeVar("Value")


class Waiters(Generic[Value]):
    """Whoever waits now. Once they have been told, others may wait for the next time."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[Deferred[Value]] = []

    def wait(self) -> Deferred[Value]:
        """Fires with the next `tell`, or fails with the next `fail`. Cancelled, it waits no longer."""
        waiter: Deferred[Value] = Deferred(self._waiting.remove)
        self._waiting.append(waiter)
        return waiter

    def tell(self, value: Value) -> None:
        """It has come."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(value)

    def fail(self, error: Exception) -> None:
        """It will not come."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.errback(error)

    def __len__(self) -> int:
        return len(self._waiting)
