"""Sessions in one process, and in two that share a store."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from tests.support.databases import POSTGRESQL, new_url, open_database, reactor
from tests.support.session_stores import FakeOutage
from tests.support.sessions import DAY, World, now, world
from yekta.app.database_session_store import DatabaseSessionStore
from yekta.app.sessions import CALM, LOGGED_OUT, InvalidSession, Sessions, StoreUnavailable
from yekta.ids import new_row_id

__all__ = ["world"]

WRONG = "x" * 43


def test_a_token_is_random_and_the_session_does_not_show_it(world: World) -> None:
    token, session = world.here.acquire()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", session.id)
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


@pytest.mark.parametrize(
    "token", ["", "x", "x" * 42, "x" * 44, "x" * 1_000_000, "x" * 42 + "=", "é" * 43, "\udfff" * 43, "x\n" * 21]
)
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
    for _ in range(10):
        with pytest.raises(InvalidSession):
            world.here.find(WRONG)
    assert world.store.asked["find"] == 2


def test_wrong_tokens_never_hide_a_session_that_the_other_process_has_just_made(world: World) -> None:
    for number in range(100):
        with pytest.raises(InvalidSession):
            world.here.find(f"{number:043d}")
    token, session = world.there.acquire()
    assert world.here.find(token) == session


def test_whoever_asks_for_many_sessions_or_with_many_wrong_tokens_drives_out_none_that_are_in_use() -> None:
    store = FakeOutage()
    sessions = Sessions(store, Clock(), cache_size=10)
    used, unused = now(sessions.acquire())[0], now(sessions.acquire())[0]
    assert sessions.cached(used) is not None
    for _ in range(50):
        now(sessions.acquire())
    store.is_down = True
    for number in range(50):
        # What nobody can look up now is not known to be wrong either.
        with pytest.raises(StoreUnavailable):
            now(sessions.find(f"{number:043d}"))
    assert sessions.cached(used) is not None
    assert sessions.cached(unused) is None


@pytest.mark.parametrize("is_used", [True, False])
def test_whoever_logs_out_leaves_the_place_to_others(is_used: bool) -> None:
    sessions = Sessions(FakeOutage(), Clock(), cache_size=4)
    tokens = [now(sessions.acquire())[0] for _ in range(3)]
    if is_used:
        assert all(sessions.cached(token) for token in tokens)
    for token in tokens[1:]:
        now(sessions.end(token))
    for _ in range(2):
        other = now(sessions.acquire())[0]
        assert not is_used or sessions.cached(other)
    assert sessions.cached(tokens[0]) is not None


def test_all_caches_are_limited() -> None:
    store, clock = FakeOutage(), Clock()
    sessions = Sessions(store, clock, cache_size=10)
    tokens = [now(sessions.acquire())[0] for _ in range(50)]
    for number in range(50):
        with pytest.raises(InvalidSession):
            now(sessions.find(f"{number:043d}"))
    assert sum(sessions.cached(token) is not None for token in tokens) == 10
    more = [now(sessions.acquire())[0] for _ in range(5)]
    assert sum(sessions.cached(token) is not None for token in (*more, *tokens)) <= 10
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


def test_an_outage_that_keeps_new_sessions_away_is_told_once_and_so_is_its_end(world: World) -> None:
    world.clock.advance(CALM)
    with capturedLogs() as logged:
        # Under too much load some are written, and some are not.
        for _ in range(3):
            world.store.is_down = True
            for _ in range(3):
                with pytest.raises(StoreUnavailable):
                    now(world.here.sessions.acquire())
            world.store.is_down = False
            world.here.acquire()
        for _ in range(2):
            world.clock.advance(CALM)
            world.here.acquire()
    assert [formatEvent(event).partition(":")[0] for event in logged] == [
        "Sessions could not be written",
        "Sessions are written again.",
    ]


def test_a_session_expires(world: World) -> None:
    token, _ = world.here.acquire()
    world.clock.advance(30 * DAY - 1)
    assert world.there.find(token)
    world.clock.advance(1)
    assert world.there.sessions.cached(token) is None
    for process in (world.here, world.there):
        with pytest.raises(InvalidSession):
            process.find(token)


def test_a_session_begins_and_expires_by_the_world_s_time(world: World) -> None:
    world.clock.ahead = 1_769_850_302.0
    token, session = world.here.acquire()
    assert (world.store.added[0].created_at, session.expires_at) == (1_769_850_302.0, 1_769_850_302.0 + 30 * DAY)
    assert session.id[:8] == new_row_id(1_769_850_302.0)[:8]
    world.clock.ahead += 30 * DAY - 1
    assert world.there.find(token)
    world.clock.ahead += 1
    for process in (world.here, world.there):
        with pytest.raises(InvalidSession):
            process.find(token)


@pytest.mark.parametrize("kind", ["sqlite", POSTGRESQL])
@pytest_twisted.ensureDeferred
async def test_two_processes_on_a_real_database(tmp_path: Path, kind: str) -> None:
    url = new_url(kind, tmp_path)
    databases = [await open_database(url, reactor) for _ in range(2)]
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
    database = await open_database(new_url("sqlite", tmp_path), reactor)
    sessions = Sessions(DatabaseSessionStore(database), Clock())
    token, _ = await sessions.acquire()
    await database.close()
    assert token.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
