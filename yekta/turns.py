"""What waits for the end of a turn of the reactor, where it says when that is (`yekta.services.reactor`).

A thing done many times in a row is done while the processor knows its way: the line that is logged of each connection,
written among all else that happens, costs three times what it does with its like.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Thing = TypeVar("Thing")


def has_turns(reactor: Any) -> bool:
    """Whether ``reactor`` uncorks what is in its list ``corked`` at the end of each turn; it can ``forget``, too."""
    return hasattr(reactor, "corked")


class EndOfTurn(Generic[Thing]):
    """Has ``deal(things)`` called with the things of each turn at its end; of a reactor that has no turns, or does not
    run, with each thing at once."""

    def __init__(self, reactor: Any, deal: Callable[[list[Thing]], object]) -> None:
        self._reactor = reactor if has_turns(reactor) else None
        self._deal = deal
        self._things: list[Thing] = []

    def add(self, thing: Thing) -> None:
        """Deal with ``thing``, soon."""
        self._things.append(thing)
        if self._reactor is None or not self._reactor.running:
            self.uncork()
        elif len(self._things) == 1:
            self._reactor.corked.append(self)

    def uncork(self) -> None:
        """Deal with what waits: the turn ends."""
        things, self._things = self._things, []
        if things:
            self._deal(things)
