"""Several providers as one: the first that can answers.

    asking a provider ──first text──▶ answering ──▶ done
        │  busy: wait, ask it again (a few times)
        └─ failed: ask the next

Another provider is asked only before the first text, since nobody wants half an answer twice. A provider
that keeps failing is left out for a while by its :class:`Breaker`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

import attrs
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from yekta.ai.breaker import Breaker
from yekta.ai.provider import Completion, IGeneration, IProvider, Kind, Message, ProviderError
from yekta.alarm import Alarm


@attrs.frozen
class Retries:
    """How often and when a busy provider is asked again.

    At most ``count`` times; after the seconds it asked for, or else ``pause`` doubled with every time, plus
    up to half as much again so that many who were refused together do not return together. A provider that
    asks for more than ``longest`` seconds is not waited for.
    """

    count: int = 2
    pause: float = 0.5
    longest: float = 5.0

    def wait(self, error: ProviderError, times: int, random: Callable[[], float]) -> float | None:
        """Seconds until the next attempt after ``times`` retries, or ``None`` to give up."""
        if error.kind is not Kind.OVERLOADED or times >= self.count:
            return None
        seconds = self.pause * 2**times if error.retry_after is None else error.retry_after
        return seconds * (1 + random() / 2) if seconds <= self.longest else None


@attrs.frozen(eq=False)
class Route:
    """A provider and its breaker."""

    provider: IProvider
    breaker: Breaker


@implementer(IProvider)
@attrs.frozen(eq=False)
class Failover:
    """Tries ``routes`` in order. ``random`` returns floats from 0 to 1."""

    routes: Sequence[Route]
    _clock: IReactorTime
    _random: Callable[[], float]
    _retries: Retries = attrs.field(factory=Retries)

    @property
    def name(self) -> str:
        return "+".join(route.provider.name for route in self.routes)

    def generate(
        self, messages: Sequence[Message], text_received: Callable[[str], None], locale: str = "fa"
    ) -> IGeneration:
        def ask(provider: IProvider, text_received: Callable[[str], None]) -> IGeneration:
            return provider.generate(messages, text_received, locale)

        generation = _Generation(ask, text_received, self._clock, self._wait)
        generation.start(self.routes)
        return generation

    def _wait(self, error: ProviderError, times: int) -> float | None:
        return self._retries.wait(error, times, self._random)

    def check(self) -> Deferred[bool]:
        """Whether any of them can answer."""
        return ensureDeferred(self._check())

    async def _check(self) -> bool:
        for route in self.routes:
            if await route.provider.check():
                return True
        return False


@implementer(IGeneration)
class _Generation:
    """One answer, from whichever provider gives it."""

    def __init__(
        self,
        ask: Callable[[IProvider, Callable[[str], None]], IGeneration],
        text_received: Callable[[str], None],
        clock: IReactorTime,
        wait: Callable[[ProviderError, int], float | None],
    ) -> None:
        self.done: Deferred[Completion] = Deferred(lambda _: self._stop())
        self._ask = ask
        self._text_received = text_received
        self._wait = wait
        self._again = Alarm(clock, self._attempt)
        self._error = ProviderError(Kind.UNAVAILABLE)
        self._answering = False
        self._ended = False
        self._paused = False
        self._current: IGeneration | None = None

    def start(self, routes: Iterable[Route]) -> None:
        self._routes = deque(routes)
        self._next()

    def cancel(self) -> None:
        self.done.cancel()

    def pause(self) -> None:
        self._paused = True
        if self._current is not None:
            self._current.pause()

    def resume(self) -> None:
        self._paused = False
        if self._current is not None:
            self._current.resume()

    def _next(self) -> None:
        """Ask the first route left that may be asked; with none left, fail as the last one did."""
        while self._routes:
            self._route = self._routes.popleft()
            if self._route.breaker.admits():
                self._times = 0
                self._attempt()
                return
        self._fail(self._error)

    def _attempt(self) -> None:
        current = self._current = self._ask(self._route.provider, self._text)
        if self._paused:
            current.pause()
        current.done.addCallbacks(self._completed, self._failed)

    def _text(self, text: str) -> None:
        if not self._answering:
            self._answering = True
            self._route.breaker.succeeded()
        self._text_received(text)

    def _completed(self, completion: Completion) -> None:
        self._end()
        self._route.breaker.succeeded()
        self.done.callback(completion)

    def _failed(self, failure: Failure) -> None:
        if self._ended:
            return
        self._current = None
        error = failure.value
        if not isinstance(error, ProviderError):
            self._route.breaker.abandoned()
            self._fail(failure)
        elif self._answering:
            self._report(error)
            self._fail(failure)
        elif (seconds := self._wait(error, self._times)) is not None:
            self._times += 1
            self._again.set(seconds)
        else:
            self._report(error)
            self._error = error
            self._next()

    def _report(self, error: ProviderError) -> None:
        if error.kind in (Kind.REJECTED, Kind.EMPTY, Kind.TOO_LONG):
            # The fault may be this one conversation's, so it must not close the door to all others.
            self._route.breaker.abandoned()
        else:
            self._route.breaker.failed()

    def _fail(self, failure: Failure | ProviderError) -> None:
        self._end()
        self.done.errback(failure)

    def _stop(self) -> None:
        current = self._current
        self._end()
        self._again.clear()
        self._route.breaker.abandoned()
        if current is not None:
            current.cancel()

    def _end(self) -> None:
        # It waits for the collector, as its Deferred knows it: not so what was asked, and who was told.
        self._ended, self._current = True, None
        del self._ask, self._text_received
