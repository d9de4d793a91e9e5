"""How long what is known of a session is believed, in the process that knows it."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.support.sessions import World, now, world
from yekta.app.session_store import ENDED_KEPT
from yekta.app.session_watch import ENDED_REMEMBERED
from yekta.app.sessions import LOGGED_OUT, InvalidSession, Session

__all__ = ["world"]


def test_logging_out_is_seen_here_at_once(world: World) -> None:
    token, _ = world.here.acquire()
    assert now(world.here.sessions.end(token)) is True
    assert world.here.sessions.cached(token) is None
    with pytest.raises(InvalidSession):
        world.here.find(token)
    assert world.store.asked["find"] == 0
    assert now(world.here.sessions.end(token)) is False
    assert world.here.heard == []


@pytest.mark.parametrize("acquired", ["here", "there"])
def test_logging_out_there_is_seen_here_within_one_poll_though_nobody_is_connected(world: World, acquired: str) -> None:
    token, _ = getattr(world, acquired).acquire()
    world.here.find(token)
    now(world.there.sessions.end(token))
    assert world.here.sessions.cached(token) is not None
    world.clock.advance(0.5)
    assert world.here.sessions.cached(token) is None
    with pytest.raises(InvalidSession):
        world.here.find(token)


def test_logging_out_there_is_seen_here_though_nobody_has_come_with_the_token_yet(world: World) -> None:
    token, _ = world.here.acquire()
    world.clock.pump([0.5] * 3)
    now(world.there.sessions.end(token))
    world.clock.advance(0.5)
    assert world.here.sessions.cached(token) is None


def test_what_is_held_is_not_asked_for_again_before_the_feed_is_read(world: World) -> None:
    token, session = world.there.acquire()
    world.here.sessions.hold(world.here.find(token))
    assert world.here.find(token) == session
    assert (world.store.asked["find"], world.store.asked["ended_after"]) == (1, 0)
    world.here.sessions.release(session)


def test_where_the_feed_cannot_be_read_a_logout_there_is_seen_when_the_cached_answer_has_aged(world: World) -> None:
    token, _ = world.here.acquire()
    now(world.there.sessions.end(token))
    world.store.is_down = True
    world.clock.advance(29.9)
    assert world.here.sessions.cached(token) is not None
    world.clock.advance(0.1)
    assert world.here.sessions.cached(token) is None


def test_a_token_that_was_not_used_for_a_while_is_asked_for_again_and_nobody_polls_for_it(world: World) -> None:
    """Nor is it believed for a moment because of another one that comes."""
    token, _ = world.here.acquire()
    world.clock.pump([0.5] * 10)
    world.here.find(token)
    world.clock.pump([0.5] * 60)
    polls = world.store.asked["ended_after"]
    world.clock.pump([0.5] * 10)
    assert world.store.asked["ended_after"] == polls
    now(world.there.sessions.end(token))
    world.here.acquire()
    assert world.here.sessions.cached(token) is None
    with pytest.raises(InvalidSession):
        world.here.find(token)


def test_a_token_that_is_used_again_and_again_is_asked_for_only_once(world: World) -> None:
    token, _ = world.there.acquire()
    for _ in range(200):
        world.here.find(token)
        world.clock.pump([0.5] * 10)
    assert world.store.asked["find"] == 2


def held_and_known(world: World) -> tuple[Session, str]:
    """A session that is held here, and the token of one that is known and not held."""
    _, held = world.here.acquire()
    world.here.sessions.hold(held)
    world.clock.advance(0.5)
    token, _ = world.there.acquire()
    world.here.find(token)
    return held, token


def test_as_long_as_ends_are_heard_of_what_is_known_is_not_asked_for_again(world: World) -> None:
    held, token = held_and_known(world)
    for _ in range(10):
        world.clock.advance(100.0)
        assert world.here.sessions.cached(token) is not None
    assert world.store.asked["find"] == 1
    now(world.there.sessions.end(token))
    world.clock.advance(0.5)
    assert world.here.sessions.cached(token) is None
    with pytest.raises(InvalidSession):
        world.here.find(token)
    world.here.sessions.release(held)


def test_where_nothing_is_held_or_the_store_is_down_what_is_known_ages(world: World) -> None:
    held, token = held_and_known(world)
    world.store.is_down = True
    world.clock.advance(31.0)
    assert world.here.sessions.cached(token) is None
    world.store.is_down = False
    world.clock.advance(0.5)
    assert world.here.sessions.cached(token) is not None
    world.here.sessions.release(held)
    world.clock.advance(31.0)
    assert world.here.sessions.cached(token) is None


def test_what_was_known_before_ends_may_have_been_missed_is_asked_for_again(world: World) -> None:
    held, token = held_and_known(world)
    world.here.sessions.release(held)
    now(world.there.sessions.end(token))
    world.clock.advance(2 * ENDED_KEPT)
    world.here.sessions.hold(held)
    world.clock.advance(0.5)
    assert world.here.sessions.cached(token) is None
    world.here.sessions.release(held)


@pytest.mark.parametrize("by", [-ENDED_KEPT, ENDED_KEPT / 2], ids=["back", "forward"])
def test_what_is_known_is_believed_as_long_however_the_clock_on_the_wall_is_set(world: World, by: float) -> None:
    world.clock.ahead = 1000.0
    token, _ = world.here.acquire()
    world.store.is_down = True
    world.clock.advance(15.0)
    world.clock.ahead += by
    world.clock.advance(14.9)
    assert world.here.sessions.cached(token) is not None
    world.clock.advance(0.1)
    assert world.here.sessions.cached(token) is None


def test_what_was_known_before_the_machine_slept_is_asked_for_again(world: World) -> None:
    """Nothing has passed by our own clock, and the end of the session was forgotten elsewhere meanwhile."""
    held, token = held_and_known(world)
    world.clock.advance(100.0)
    assert world.here.sessions.cached(token) is not None
    now(world.there.sessions.end(token))
    world.clock.ahead += 2 * ENDED_KEPT
    now(world.store.purge(world.clock.wall()))
    world.clock.advance(0.5)
    assert world.here.sessions.cached(token) is None
    with pytest.raises(InvalidSession):
        world.here.find(token)
    world.here.sessions.release(held)


def test_what_was_known_before_so_many_ended_that_some_are_forgotten_is_asked_for_again(world: World) -> None:
    held, token = held_and_known(world)
    for number in range(ENDED_REMEMBERED):
        if number % 1000 == 0:
            world.clock.advance(0.5)
        world.here.sessions._watch.ended(str(number), LOGGED_OUT)
    world.clock.advance(31.0)
    assert world.here.sessions.cached(token) is None
    world.here.find(token)
    world.clock.advance(31.0)
    assert world.here.sessions.cached(token) is not None
    world.here.sessions.release(held)


def test_an_answer_under_way_does_not_bring_an_ended_session_back(world: World) -> None:
    token, _ = world.there.acquire()
    world.store.gate = Deferred()
    found: list[Any] = []
    Deferred.fromCoroutine(world.here.sessions.find(token)).addBoth(found.append)
    now(world.here.sessions.end(token))
    world.store.gate.callback(None)
    assert found[0].check(InvalidSession)
    assert world.here.sessions.cached(token) is None
