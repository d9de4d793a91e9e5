"""What an operator is told of a Redis that cannot be used, by whichever connection finds it so."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from yekta.alarm import Alarm

# Seconds without trouble after which it is said to be over: one that comes and goes is one trouble.
CALM = 5.0

# Reasons that are told of one trouble.
MOST = 10


class Trouble:
    """Each reason is told once, until nobody has had any trouble for `CALM` seconds."""

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._had_by: set[object] = set()
        self._told: set[str] = set()
        self._calm = Alarm(clock, self._end)

    def begin(self, who: object, why: str) -> None:
        """``who``, a connection, cannot use it."""
        self._had_by.add(who)
        self._calm.clear()
        if why not in self._told and len(self._told) < MOST:
            self._told.add(why)
            self._log.warn("Redis (REDIS_URL) cannot be used: {reason}", reason=why)

    def end(self, who: object) -> None:
        """``who`` has had a reply."""
        if who in self._had_by:
            self._had_by.remove(who)
            if not self._had_by:
                self._calm.set(CALM)

    def leave(self, who: object) -> None:
        """``who`` is no more, and so nobody asks."""
        self._had_by.discard(who)
        self._calm.clear()

    def _end(self) -> None:
        self._told.clear()
        self._log.info("Redis can be used again")
