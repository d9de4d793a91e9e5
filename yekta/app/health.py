"""Whether the service can do its work: the database must be there, the AI may be missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime

from yekta.ai.provider import IProvider
from yekta.app.single_flight import SingleFlight

# How long an answer about the AI is believed, in seconds: every load balancer asks, and each check costs a request.
AI_CHECK = 30.0

# Seconds that readiness waits for the very first check: an AI that is well has answered by then, and no load balancer's
# probe has given up.
FIRST_AI_CHECK = 0.5


class Health:
    """``database`` is asked every time; the provider at most once in `AI_CHECK`."""

    def __init__(
        self, database: Callable[[], Awaitable[bool]], provider: IProvider, clock: IReactorTime
    ) -> None:
        self._database = database
        self._provider = provider
        self._clock = clock
        self._checked = -AI_CHECK
        # Not known before the first check has ended.
        self._ai_up: bool | None = None
        # Not the asker's own: one that hangs up must not cancel what others are told for a while.
        self._checks: SingleFlight[None, None] = SingleFlight(self._check_ai)
        self.draining = False
        #: Whether what processes of several machines share is there; ``None``: there is no such thing.
        self.redis: Callable[[], bool] | None = None

    async def check(self) -> tuple[bool, dict[str, str]]:
        """Whether requests should be sent here, and the state of each part.

        Without the AI, requests can be served, so that nobody waits for it: what is told is the last that is known.
        Without Redis, each process serves its own.
        """
        database = await self._database()
        checks = {"database": "up" if database else "down", "ai": _state(await self._ai_was_up())}
        if self.redis is not None:
            checks["redis"] = _state(self.redis())
        return database and not self.draining, checks

    async def ai_is_up(self) -> bool:
        """Whether the AI can answer. A check that is due is waited for."""
        if self._clock.seconds() - self._checked >= AI_CHECK:
            await self._checks.get(None)
        return bool(self._ai_up)

    async def _ai_was_up(self) -> bool:
        """The same as of the last check that has ended; one that is due has begun."""
        checked: Deferred[bool] = Deferred.fromCoroutine(self.ai_is_up())
        if self._ai_up is None:
            with suppress(TimeoutError):
                await checked.addTimeout(FIRST_AI_CHECK, self._clock)
        return bool(self._ai_up)

    async def _check_ai(self, _: None) -> None:
        self._ai_up = await self._provider.check()
        self._checked = self._clock.seconds()


def _state(is_up: bool) -> str:
    """Of what can be done without."""
    return "up" if is_up else "degraded"
