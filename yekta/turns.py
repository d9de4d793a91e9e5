"""What waits for the reactor's next turn, or for the end of this one, where it says when that is
(`yekta.services.reactor`).

A thing done many times in a row is done while the processor knows its way: the line that is logged of each connection,
written among all else that happens, costs three times what it does with its like.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

Thing = TypeVar("Thing")


def has_turns(reactor: Any) -> bool:
    """Whether ``reactor`` uncorks what is in its list ``corked`` at the end of each turn; it can ``watch`` and
    ``forget``, too."""
    return hasattr(reactor, "corked")


class NextTurn(Generic[Thing]):
    """Has ``deal(thing)`` called in the next turn for each thing, once, however often it was added. Where that fails
    for one, the others have their turn all the same.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, deal: Callable[[Thing], object]) -> None:
        self._clock = clock
        self._deal = deal
        self._things: dict[Thing, None] = {}

    def add(self, thing: Thing) -> None:
        """Deal with ``thing``, which is hashable, soon."""
        if not self._things:
            self._clock.callLater(0, self._go)
        self._things[thing] = None

    def _go(self) -> None:
        things, self._things = self._things, {}
        for thing in things:
            try:
                self._deal(thing)
            except Exception:
                self._log.failure("What waited for its turn failed", Failure())


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
