"""A circuit breaker: do not ask one who failed again and again.

    closed ──``threshold`` failures in a row──▶ open
    open ──``cool_down`` seconds──▶ half-open, which admits one trial at a time
    half-open ──the trial succeeds──▶ closed
    half-open ──the trial fails──▶ open
    half-open ──the trial is abandoned──▶ half-open, free for another

Needs no delayed call: an open breaker becomes half-open when somebody looks. Knows nothing of what it guards.
"""

from __future__ import annotations

import enum

import attrs
from twisted.internet.interfaces import IReactorTime


class State(enum.Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@attrs.define(eq=False)
class Breaker:
    """Ask ``admits`` before each attempt, then report how it went by one of the three other methods."""

    _clock: IReactorTime
    threshold: int = 5
    cool_down: float = 30.0
    _failures: int = attrs.field(default=0, init=False)
    _opened: float = attrs.field(default=0.0, init=False)
    _trial: bool = attrs.field(default=False, init=False)

    @property
    def state(self) -> State:
        if self._failures < self.threshold:
            return State.CLOSED
        cooled = self._clock.seconds() - self._opened >= self.cool_down
        return State.HALF_OPEN if cooled else State.OPEN

    def admits(self) -> bool:
        """Whether an attempt may be made now. In the half-open state, true makes it the trial."""
        if self.state is State.HALF_OPEN and not self._trial:
            self._trial = True
            return True
        return self.state is State.CLOSED

    def succeeded(self) -> None:
        """The attempt went well."""
        self._failures = 0

    def failed(self) -> None:
        """The attempt failed by the fault of what is guarded."""
        self._failures += 1
        self._opened = self._clock.seconds()
        self._trial = False

    def abandoned(self) -> None:
        """The attempt ended without telling anything: cancelled, or failed by the caller's fault."""
        self._trial = False
