"""How often each client address may do something."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from yekta.app.budget import Budget, Rate
from yekta.app.errors import ClientError
from yekta.lru import Lru
from yekta.web.forwarded import subscriber


class Allowance:
    """``number`` times a minute, and as often at once. ``clients`` are remembered, those that came last."""

    def __init__(self, clock: IReactorTime, number: int, *, clients: int = 10_000) -> None:
        self._clock = clock
        self._rate = Rate(number / 60, number)
        self._budgets: Lru[str, Budget] = Lru(clients)

    def take(self, client: str) -> None:
        """Once more. ``client``: an address, or ``""`` for whoever is not to be limited.

        Raises :class:`ClientError` 429 where it was too often.
        """
        if not client:
            return
        name = subscriber(client)
        budget = self._budgets.get(name)
        if budget is None:
            budget = Budget()
            self._budgets.put(name, budget)
        wait = budget.take(self._rate, self._clock)
        if wait:
            raise ClientError(
                "Too many requests",
                "Too many of them came from this address. Please try again later.",
                status=429,
                retry_after=wait,
            )
