"""Providers that do as the test says, and two of them behind a failover."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from zope.interface import implementer

from yekta.ai.breaker import Breaker
from yekta.ai.failover import Failover, Retries, Route
from yekta.ai.provider import Completion, IGeneration, IProvider, Message

ASKED = [Message("user", "hi")]


@implementer(IGeneration)
class Puppet:
    def __init__(self, text_received) -> None:
        self.text = text_received
        self.calls: list[str] = []
        self.done: Deferred[Completion] = Deferred(lambda _: self.calls.append("cancelled"))

    def cancel(self) -> None:
        self.done.cancel()

    def pause(self) -> None:
        self.calls.append("paused")

    def resume(self) -> None:
        self.calls.append("resumed")


@implementer(IProvider)
class Theatre:
    """Keeps a puppet of each request; ``well`` is what ``check`` answers."""

    def __init__(self, name: str, well: bool = True) -> None:
        self.name = name
        self.well = well
        self.puppets: list[Puppet] = []

    def generate(self, messages, text_received, locale="fa"):
        assert (messages, locale) == (ASKED, "en")
        self.puppets.append(Puppet(text_received))
        return self.puppets[-1]

    def check(self):
        return succeed(self.well)

    @property
    def last(self) -> Puppet:
        return self.puppets[-1]


class Stage:
    """Two providers behind a failover, and one question asked."""

    def __init__(self, random: float = 0.0) -> None:
        self.clock = Clock()
        self.first, self.second = Theatre("first"), Theatre("second")
        self.breaker = Breaker(self.clock, threshold=2, cool_down=30)
        routes = [Route(self.first, self.breaker), Route(self.second, Breaker(self.clock))]
        self.failover = Failover(routes, self.clock, lambda: random, Retries(count=2, pause=1, longest=5))
        self.texts: list[str] = []
        self.ask()

    def ask(self) -> None:
        self.generation = self.failover.generate(ASKED, self.texts.append, "en")
        self.results: list[object] = []
        self.generation.done.addCallbacks(self.results.append, lambda f: self.results.append(f.value))

    @property
    def result(self) -> object:
        (result,) = self.results
        return result


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    assert stage.clock.getDelayedCalls() == []
