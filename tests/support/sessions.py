"""Sessions in two processes that share a store, on a clock. A test module imports the fixture.

    token, session = world.here.acquire()
    world.there.find(token)
    world.here.heard                               # what subscribers were told: (session's id, reason)
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.support.clocks import TwoClocks
from tests.support.session_stores import FakeOutage
from yekta.app.sessions import Session, Sessions

DAY = 86400.0


def now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of what need not wait."""
    results: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(results.append)
    [result] = results
    if hasattr(result, "raiseException"):
        result.raiseException()
    return result


class Process:
    """One process's sessions, and what its subscribers heard."""

    def __init__(self, store: Any, clock: Clock, **parameters: Any) -> None:
        self.sessions = Sessions(store, clock, **parameters)
        self.heard: list[tuple[str, str]] = []
        self.sessions.on_ended(lambda *ended: self.heard.append(ended))
        self.sessions.start()

    def acquire(self, **parameters: Any) -> tuple[str, Session]:
        return now(self.sessions.acquire(**parameters))

    def find(self, token: str) -> Session:
        return now(self.sessions.find(token))


class World:
    """Two processes, a store and a clock."""

    def __init__(self) -> None:
        self.clock = TwoClocks()
        self.store = FakeOutage()
        self.here = Process(self.store, self.clock)
        self.there = Process(self.store, self.clock)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    for process in (world.here, world.there):
        now(process.sessions.stop())
    assert world.clock.getDelayedCalls() == []
