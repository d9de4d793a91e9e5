"""How often somebody may guess.

A sliding window for each name that is guessed at. Knows no password and no account: names that do not exist count
like those that do, or the limit would tell them apart.
"""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from yekta.app.errors import ClientError
from yekta.lru import Lru

# Seconds for which an attempt counts.
WINDOW = 900.0


class Attempts:
    """``allowed`` attempts without success within `WINDOW`.

    ``names`` are remembered of those that may go on, and as many that may not: however many names are guessed at once
    each, none is forgotten for them that has had all its attempts.
    """

    def __init__(self, clock: IReactorTime, *, allowed: int = 5, names: int = 10_000) -> None:
        self._clock = clock
        self._allowed = allowed
        self._going_on: Lru[str, list[float]] = Lru(names)
        self._used_up: Lru[str, list[float]] = Lru(names)

    def begin(self, name: str) -> None:
        """Count an attempt before it is judged, so that a hundred at once are not all let through.

        Raises :class:`ClientError` 429 when there were too many.
        """
        now = self._clock.seconds()
        times = [time for time in self._known(name) if now - time < WINDOW]
        if len(times) >= self._allowed:
            raise ClientError(
                "Too many attempts",
                "Too many failed attempts. Please try again later.",
                status=429,
                retry_after=times[0] + WINDOW - now,
            )
        self._keep(name, [*times, now])

    def take_back(self, name: str) -> None:
        """The attempt was not judged after all, and leaves nothing behind."""
        self._keep(name, self._known(name)[:-1])

    def succeed(self, name: str) -> None:
        """Forget the failures."""
        self._keep(name, [])

    def _known(self, name: str) -> list[float]:
        return self._used_up.get(name) or self._going_on.get(name) or []

    def _keep(self, name: str, times: list[float]) -> None:
        kept, other = self._going_on, self._used_up
        if len(times) >= self._allowed:
            kept, other = other, kept
        other.discard(name)
        if times:
            kept.put(name, times)
        else:
            kept.discard(name)
