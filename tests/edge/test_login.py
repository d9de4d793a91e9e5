"""From a token to a session, and the contract's three refusals."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock

from tests.support.session_stores import FakeOutage
from yekta.app.sessions import Sessions
from yekta.edge.login import NotAuthenticated, authenticate


class World:
    def __init__(self) -> None:
        self.store, self.clock = FakeOutage(), Clock()
        self.sessions = Sessions(self.store, self.clock)
        self.token, self.session = self.now(self.sessions.acquire())

    def now(self, coroutine: Any) -> Any:
        results: list[Any] = []
        ensureDeferred(coroutine).addBoth(results.append)
        return results[0]

    def refusal(self, token: str | None) -> tuple[str, int]:
        error = self.now(authenticate(self.sessions, token)).value
        assert isinstance(error, NotAuthenticated)
        return error.message, error.status


@pytest.fixture
def world() -> World:
    return World()


def test_a_good_token_gives_its_session(world: World) -> None:
    assert world.now(authenticate(world.sessions, world.token)) == world.session
    assert world.sessions.cached(world.token) == world.session


@pytest.mark.parametrize("token", [None, ""])
def test_no_token(world: World, token: str | None) -> None:
    assert world.refusal(token) == ("Authentication token required", 401)
    assert world.sessions.cached(token) is None


@pytest.mark.parametrize("token", ["x", "x" * 43])
def test_a_wrong_token(world: World, token: str) -> None:
    assert world.refusal(token) == ("Invalid or expired session token", 401)


def test_a_store_that_is_down(world: World) -> None:
    world.store.is_down = True
    assert world.refusal("x" * 43) == ("Authentication failed", 503)


def test_an_answer_that_is_late_is_waited_for(world: World) -> None:
    world.clock.advance(31)
    world.store.gate = Deferred()
    found: list[Any] = []
    ensureDeferred(authenticate(world.sessions, world.token)).addBoth(found.append)
    assert found == []
    world.store.gate.callback(None)
    assert found == [world.session]
    assert world.clock.getDelayedCalls() == []
