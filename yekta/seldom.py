"""What is logged once in a while, however often it happens: an outage is one, and those who ask meanwhile are many."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

# Seconds until it is said again.
QUIET = 10.0


class Seldom:
    """What was said when. Of few things: each is remembered."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._said_at: dict[str, float] = {}

    def is_due(self, what: str) -> bool:
        """Whether to say ``what`` now, which was not said for a while."""
        now = self._clock.seconds()
        if now - self._said_at.get(what, -QUIET) < QUIET:
            return False
        self._said_at[what] = now
        return True
