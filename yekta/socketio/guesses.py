"""How often one address may be wrong about a password."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from yekta.lru import Lru
from yekta.web.forwarded import subscriber

# So many at once, and then one in so many seconds: who mistypes is not locked out, and who guesses has 8,640 a day.
AT_ONCE, SECONDS_EACH = 10, 10.0

# Addresses that are remembered, those that came last.
REMEMBERED = 10_000


class Guesses:
    """Those that were wrong. What is right is never counted."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        # How many count, and when that was so.
        self._wrong: Lru[str, tuple[float, float]] = Lru(REMEMBERED)

    def may(self, address: str) -> bool:
        """Whether a guess from there is looked at."""
        return self._counting(subscriber(address)) <= AT_ONCE - 1

    def was_wrong(self, address: str) -> None:
        """One was."""
        name = subscriber(address)
        self._wrong.put(name, (self._counting(name) + 1, self._clock.seconds()))

    def _counting(self, name: str) -> float:
        now = self._clock.seconds()
        wrong, then = self._wrong.get(name) or (0.0, now)
        return max(wrong - (now - then) / SECONDS_EACH, 0.0)
