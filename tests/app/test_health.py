"""Whether requests should be sent here, and how seldom the AI is asked about it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from tests.support.gateway import NoDatabase
from tests.support.provider import ScriptedProvider
from yekta.app.health import AI_CHECK, FIRST_AI_CHECK, Health


def now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of what need not wait."""
    results: list[Any] = []
    Deferred.fromCoroutine(coroutine).addCallback(results.append)
    return results[0]


class Slow(ScriptedProvider):
    """Says whether it is up when told."""

    def __init__(self) -> None:
        super().__init__()
        self.checked: Deferred[bool] = Deferred()

    def check(self) -> Deferred[bool]:
        self.checks += 1
        self.checked = Deferred()
        return self.checked


class World:
    def __init__(self, provider: ScriptedProvider | None = None) -> None:
        self.clock, self.database, self.provider = Clock(), NoDatabase(), provider or ScriptedProvider()
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


@pytest.mark.parametrize("is_there", [True, False])
def test_without_redis_each_process_serves_its_own(is_there: bool) -> None:
    world = World()
    world.health.redis = lambda: is_there
    checks = {"database": "up", "ai": "up", "redis": "up" if is_there else "degraded"}
    assert now(world.health.check()) == (True, checks)


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


def test_all_who_ask_meanwhile_are_told_what_one_check_finds_though_its_asker_hangs_up() -> None:
    provider = Slow()
    health = World(provider).health
    asked = [Deferred.fromCoroutine(health.ai_is_up()) for _ in range(3)]
    told: list[bool] = []
    asked[0].addErrback(lambda failure: failure.trap(CancelledError))
    asked[0].cancel()
    for each in asked[1:]:
        each.addCallback(told.append)
    assert told == []
    provider.checked.callback(True)
    assert told == [True, True]
    assert now(health.ai_is_up()) is True
    assert provider.checks == 1


def asked(world: World) -> list[Any]:
    """Whether it is ready, and the word for the AI, once that is told."""
    told: list[Any] = []
    Deferred.fromCoroutine(world.health.check()).addCallback(lambda state: told.append((state[0], state[1]["ai"])))
    return told


def test_readiness_waits_a_moment_for_the_very_first_check() -> None:
    provider = Slow()
    world = World(provider)
    told = asked(world)
    assert told == []
    provider.checked.callback(True)
    assert told == [(True, "up")]
    assert world.clock.getDelayedCalls() == []


def test_readiness_waits_no_longer_for_an_ai_that_hangs_and_the_check_goes_on() -> None:
    provider = Slow()
    world = World(provider)
    told = [asked(world), asked(world)]
    world.clock.advance(FIRST_AI_CHECK)
    assert told == [[(True, "degraded")]] * 2
    assert world.clock.getDelayedCalls() == []
    provider.checked.callback(True)
    assert asked(world) == [(True, "up")]
    assert provider.checks == 1


def test_readiness_tells_what_was_known_while_a_later_check_is_under_way() -> None:
    provider = Slow()
    world = World(provider)
    asked(world)
    provider.checked.callback(True)
    world.clock.advance(AI_CHECK)
    assert asked(world) == asked(world) == [(True, "up")]
    assert provider.checks == 2
    status: list[bool] = []
    Deferred.fromCoroutine(world.health.ai_is_up()).addCallback(status.append)
    assert status == []
    provider.checked.callback(False)
    assert status == [False]
    assert asked(world) == [(True, "degraded")]
    assert provider.checks == 2
