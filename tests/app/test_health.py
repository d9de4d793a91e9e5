"""Whether requests should be sent here, and how seldom the AI is asked about it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.support.gateway import NoDatabase
from tests.support.provider import ScriptedProvider
from yekta.app.health import AI_CHECK, Health


def now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of what need not wait."""
    results: list[Any] = []
    Deferred.fromCoroutine(coroutine).addCallback(results.append)
    return results[0]


class World:
    def __init__(self) -> None:
        self.clock, self.database, self.provider = Clock(), NoDatabase(), ScriptedProvider()
        self.health = Health(self.database.healthy, self.provider, self.clock)


@pytest.mark.parametrize("database", [True, False])
@pytest.mark.parametrize("ai", [True, False])
@pytest.mark.parametrize("draining", [True, False])
def test_who_has_a_database_and_stays_is_ready(database: bool, ai: bool, draining: bool) -> None:
    world = World()
    world.database.is_up, world.provider.is_up, world.health.draining = database, ai, draining
    checks = {"database": "up" if database else "down", "ai": "up" if ai else "degraded"}
    assert now(world.health.check()) == (database and not draining, checks)
    assert world.clock.getDelayedCalls() == []


def test_the_ai_is_asked_at_most_once_in_a_while_and_then_again() -> None:
    world = World()
    assert [now(world.health.ai_is_up()) for _ in range(3)] == [True] * 3
    world.provider.is_up = False
    world.clock.advance(AI_CHECK - 0.1)
    assert now(world.health.ai_is_up()) is True
    assert world.provider.checks == 1
    world.clock.advance(0.1)
    assert now(world.health.ai_is_up()) is False
    assert world.provider.checks == 2
