"""Sessions in one process, and in two that share a store."""

from __future__ import annotations

import re
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.support.databases import new_url, reactor
from tests.support.session_stores import FakeOutage
from yekta.app.database import Database
from yekta.app.database_session_store import DatabaseSessionStore
from yekta.app.ended_feed import BATCH
from yekta.app.sessions import EXPIRED, LOGGED_OUT, InvalidSession, Session, Sessions, StoreUnavailable

DAY = 86400.0
WRONG = "x" * 43


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
        self.clock = Clock()
        self.store = FakeOutage()
        self.here = Process(self.store, self.clock)
        self.there = Process(self.store, self.clock)


@pytest.fixture
def world() -> Any:
    world = World()
    yield world
    for process in (world.here, world.there):
        now(process.sessions.stop())
    assert world.clock.getDelayedCalls() == []


def test_a_token_is_random_and_the_session_does_not_show_it(world: World) -> None:
    token, session = world.here.acquire()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert re.fullmatch(r"[0-9a-f]{16}", session.id)
    assert (session.user_id, session.is_logged_in, session.expires_at) == (None, False, 30 * DAY)
    assert world.here.acquire()[0] != token
    assert token not in repr(session)
    assert token not in repr(vars(world.here.sessions))


def test_metadata_is_kept_within_limits(world: World) -> None:
    for agent in ("x" * 10_000, "\udfff", "x"):
        world.here.acquire(metadata={"userAgent": agent})
    world.here.acquire()
    assert [new.metadata for new in world.store.added] == ["{}", "{}", '{"userAgent":"x"}', "{}"]


def test_a_new_session_is_known_here_without_a_query_and_there_with_one(world: World) -> None:
    token, session = world.here.acquire(user_id="42", is_logged_in=True)
    assert world.here.sessions.cached(token) == session
    assert world.here.find(token) == session
    assert world.store.asked["find"] == 0
    assert world.there.sessions.cached(token) is None
    assert world.there.find(token) == session
    assert world.there.sessions.cached(token) == session
    assert world.store.asked["find"] == 1


@pytest.mark.parametrize("token", ["", "x", "x" * 42, "x" * 44, "x" * 1_000_000, "x" * 42 + "=", "é" * 43, "x\n" * 21])
def test_a_malformed_token_costs_no_query(world: World, token: str) -> None:
    with pytest.raises(InvalidSession):
        world.here.find(token)
    assert world.here.sessions.cached(token) is None
    assert now(world.here.sessions.end(token)) is False
    assert not world.store.asked


def test_a_wrong_token_is_asked_for_once_in_a_while(world: World) -> None:
    for _ in range(10):
        with pytest.raises(InvalidSession):
            world.here.find(WRONG)
    assert world.store.asked["find"] == 1
    world.clock.advance(6.0)
    with pytest.raises(InvalidSession):
        world.here.find(WRONG)
    assert world.store.asked["find"] == 2


def test_wrong_tokens_never_hide_a_session_that_the_other_process_has_just_made(world: World) -> None:
    for number in range(100):
        with pytest.raises(InvalidSession):
            world.here.find(f"{number:043d}")
    token, session = world.there.acquire()
    assert world.here.find(token) == session


def test_both_caches_are_limited() -> None:
    store, clock = FakeOutage(), Clock()
    sessions = Sessions(store, clock, cache_size=10)
    tokens = [now(sessions.acquire())[0] for _ in range(50)]
    for number in range(50):
        with pytest.raises(InvalidSession):
            now(sessions.find(f"{number:043d}"))
    assert sum(sessions.cached(token) is not None for token in tokens) == 10
    assert len(sessions._refused) == 10


def test_finding_one_session_many_times_at_once_is_one_query(world: World) -> None:
    token, session = world.there.acquire()
    world.store.gate = Deferred()
    found: list[Any] = []
    for _ in range(10):
        Deferred.fromCoroutine(world.here.sessions.find(token)).addBoth(found.append)
    assert found == []
    world.store.gate.callback(None)
    assert found == [session] * 10
    assert world.store.asked["find"] == 1


def test_a_store_that_is_down_is_no_invalid_session(world: World) -> None:
    token, session = world.there.acquire()
    world.store.is_down = True
    with pytest.raises(StoreUnavailable):
        world.here.find(token)
    with pytest.raises(StoreUnavailable):
        now(world.here.sessions.acquire())
    with pytest.raises(StoreUnavailable):
        now(world.there.sessions.end(token))
    assert world.there.find(token) == session
    world.store.is_down = False
    assert world.here.find(token) == session


def test_a_session_expires(world: World) -> None:
    token, _ = world.here.acquire()
    world.clock.advance(30 * DAY - 1)
    assert world.there.find(token)
    world.clock.advance(1)
    assert world.there.sessions.cached(token) is None
    for process in (world.here, world.there):
        with pytest.raises(InvalidSession):
            process.find(token)


def test_logging_out_is_seen_here_at_once(world: World) -> None:
    token, _ = world.here.acquire()
    assert now(world.here.sessions.end(token)) is True
    assert world.here.sessions.cached(token) is None
    with pytest.raises(InvalidSession):
        world.here.find(token)
    assert world.store.asked["find"] == 0
    assert now(world.here.sessions.end(token)) is False
    assert world.here.heard == []


def test_logging_out_there_is_seen_here_when_the_cached_answer_has_aged(world: World) -> None:
    token, _ = world.here.acquire()
    now(world.there.sessions.end(token))
    assert world.here.sessions.cached(token) is not None
    world.clock.advance(30.0)
    assert world.here.sessions.cached(token) is None
    with pytest.raises(InvalidSession):
        world.here.find(token)


def test_an_answer_under_way_does_not_bring_an_ended_session_back(world: World) -> None:
    token, _ = world.there.acquire()
    world.store.gate = Deferred()
    found: list[Any] = []
    Deferred.fromCoroutine(world.here.sessions.find(token)).addBoth(found.append)
    now(world.here.sessions.end(token))
    world.store.gate.callback(None)
    assert found[0].check(InvalidSession)
    assert world.here.sessions.cached(token) is None


def test_the_end_of_a_held_session_is_told_at_once_and_once(world: World) -> None:
    token, session = world.here.acquire()
    world.here.sessions.hold(session)
    world.here.sessions.hold(session)
    now(world.here.sessions.end(token))
    assert world.here.heard == [(session.id, LOGGED_OUT)]
    world.clock.advance(1.0)
    world.clock.advance(31 * DAY)
    assert world.here.heard == [(session.id, LOGGED_OUT)]
    world.here.sessions.release(session)
    world.here.sessions.release(session)


def test_the_end_in_the_other_process_is_told_within_one_poll(world: World) -> None:
    token, session = world.here.acquire()
    world.here.sessions.hold(session)
    now(world.there.sessions.end(token, "revoked"))
    world.clock.advance(0.5)
    assert world.here.heard == [(session.id, "revoked")]
    assert world.here.sessions.cached(token) is None
    assert world.there.heard == []


def test_an_end_just_before_the_session_is_held_is_told_too(world: World) -> None:
    token, session = world.here.acquire()
    now(world.there.sessions.end(token))
    world.here.sessions.hold(session)
    world.clock.advance(0.5)
    assert world.here.heard == [(session.id, LOGGED_OUT)]


def test_holding_a_session_that_has_ended_is_told_in_the_next_turn(world: World) -> None:
    token, session = world.here.acquire()
    now(world.here.sessions.end(token))
    world.here.sessions.hold(session)
    assert world.here.heard == []
    world.clock.advance(0.0)
    assert world.here.heard == [(session.id, LOGGED_OUT)]


def test_a_connection_that_comes_as_the_session_expires_is_told_too(world: World) -> None:
    _, session = world.here.acquire()
    world.here.sessions.hold(session)
    world.clock.advance(30 * DAY)
    world.here.sessions.hold(session)
    world.clock.advance(0.0)
    assert world.here.heard == [(session.id, EXPIRED)] * 2


def test_what_is_not_held_any_more_is_not_told(world: World) -> None:
    token, session = world.here.acquire()
    world.here.sessions.hold(session)
    world.here.sessions.release(session)
    now(world.here.sessions.end(token))
    world.clock.advance(31 * DAY)
    assert world.here.heard == []


def test_expiry_of_many_sessions_takes_one_delayed_call_and_polling_one_query(world: World) -> None:
    now(world.there.sessions.stop())
    sessions = []
    for _ in range(100):
        world.clock.advance(1.0)
        sessions.append(world.here.acquire()[1])
    idle = len(world.clock.getDelayedCalls())
    for session in sessions:
        world.here.sessions.hold(session)
    assert len(world.clock.getDelayedCalls()) == idle + 2
    asked = world.store.asked["ended_after"]
    world.clock.pump([0.5] * 10)
    assert world.store.asked["ended_after"] == asked + 10
    world.clock.advance(30 * DAY - 10.0)
    assert world.here.heard == [(session.id, EXPIRED) for session in sessions[:95]]
    for session in sessions:
        world.here.sessions.release(session)
    assert len(world.clock.getDelayedCalls()) == idle


def test_nothing_is_polled_while_nothing_is_held(world: World) -> None:
    _, session = world.here.acquire()
    world.clock.pump([0.5] * 10)
    assert world.store.asked["ended_after"] == 0
    world.here.sessions.hold(session)
    world.clock.advance(0.5)
    world.here.sessions.release(session)
    world.clock.pump([0.5] * 10)
    assert world.store.asked["ended_after"] == 1


def test_a_held_session_stays_cached_as_long_as_the_feed_is_read(world: World) -> None:
    token, session = world.here.acquire()
    world.here.sessions.hold(session)
    world.clock.pump([0.5] * 200)
    assert world.here.sessions.cached(token) == session
    world.store.is_down = True
    world.clock.pump([0.5] * 70)
    assert world.here.sessions.cached(token) is None


def test_a_poll_that_fails_catches_up_later(world: World) -> None:
    held = [world.here.acquire() for _ in range(3)]
    for _, session in held:
        world.here.sessions.hold(session)
    for token, _ in held:
        now(world.there.sessions.end(token))
    world.store.is_down = True
    world.clock.pump([0.5] * 20)
    assert world.here.heard == []
    world.store.is_down = False
    world.clock.advance(0.5)
    assert world.here.heard == [(session.id, LOGGED_OUT) for _, session in held]


def test_more_ends_than_fit_into_one_batch(world: World) -> None:
    held = [world.here.acquire() for _ in range(BATCH + 1)]
    for token, session in held:
        world.here.sessions.hold(session)
        now(world.there.sessions.end(token))
    world.clock.advance(0.5)
    assert len(world.here.heard) == BATCH + 1
    assert world.store.asked["ended_after"] == 2


def test_one_subscriber_that_fails_does_not_keep_the_others_from_hearing() -> None:
    clock, heard = Clock(), []
    sessions = Sessions(FakeOutage(), clock)

    def fail(session_id: str, reason: str) -> None:
        raise ZeroDivisionError

    sessions.on_ended(fail)
    sessions.on_ended(lambda *ended: heard.append(ended))
    token, session = now(sessions.acquire())
    sessions.hold(session)
    now(sessions.end(token))
    assert heard == [(session.id, LOGGED_OUT)]
    now(sessions.stop())


def test_activity_is_written_once_a_minute_in_one_batch(world: World) -> None:
    sessions = [world.here.acquire()[1] for _ in range(3)]
    for session in sessions * 100:
        world.here.sessions.touch(session.id)
    assert world.store.asked["touch"] == 0
    world.clock.advance(60.0)
    assert world.store.asked["touch"] == 1
    assert [now(world.store.last_activity(session.id)) for session in sessions] == [60.0] * 3
    world.clock.advance(60.0)
    assert world.store.asked["touch"] == 1


def test_activity_waits_for_a_store_that_is_down_and_is_written_at_the_end(world: World) -> None:
    _, session = world.here.acquire()
    world.here.sessions.touch(session.id)
    world.store.is_down = True
    world.clock.advance(60.0)
    world.store.is_down = False
    world.clock.advance(3.0)
    now(world.here.sessions.stop())
    assert now(world.store.last_activity(session.id)) == 63.0


def test_touching_is_one_call_into_the_set(world: World) -> None:
    calls: list[str] = []
    touch = world.here.sessions.touch
    sys.setprofile(lambda frame, event, argument: calls.append(event))
    touch("id")
    sys.setprofile(None)
    assert calls.count("call") == 1
    assert calls.count("c_call") == 2  # add, and setprofile itself


def test_what_has_expired_is_purged_every_hour_whatever_happened_before(world: World) -> None:
    token, _ = world.here.acquire()
    world.store.is_down = True
    world.clock.advance(3600.0)
    world.store.is_down = False
    world.clock.advance(30 * DAY)
    assert len(world.store._by_hash) == 0
    with pytest.raises(InvalidSession):
        world.here.find(token)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest_twisted.ensureDeferred
async def test_two_processes_on_a_real_database(tmp_path: Path, kind: str) -> None:
    url = new_url(kind, tmp_path)
    databases = [await Database.open(url, reactor) for _ in range(2)]
    here, there = (Sessions(DatabaseSessionStore(database), reactor, poll_interval=0.02) for database in databases)
    ended: Deferred[tuple[str, str]] = Deferred()
    here.on_ended(lambda *what: ended.callback(what))
    here.start()
    token, session = await there.acquire(user_id="42", is_logged_in=True, metadata={"ip": "::1"})
    assert await here.find(token) == session
    here.hold(session)
    here.touch(session.id)
    await there.end(token)
    assert await ended == (session.id, LOGGED_OUT)
    with pytest.raises(InvalidSession):
        await here.find(token)
    here.release(session)
    await here.stop()
    for database in databases:
        await database.close()
    assert reactor.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_the_database_never_sees_a_token(tmp_path: Path) -> None:
    database = await Database.open(new_url("sqlite", tmp_path), reactor)
    sessions = Sessions(DatabaseSessionStore(database), Clock())
    token, _ = await sessions.acquire()
    await database.close()
    assert token.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
