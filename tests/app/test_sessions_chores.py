"""What is done for sessions now and then: their activity is written down, and what has expired is removed."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import pytest
from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.logger import LogLevel, capturedLogs, formatEvent

from tests.support.session_stores import MemorySessionStore
from tests.support.sessions import DAY, Process, World, now, world
from yekta.app.sessions import TOUCHED_LIMIT, InvalidSession, StoreUnavailable

__all__ = ["world"]


class SlowToTouch(MemorySessionStore):
    """Takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.touching: Deferred[None] = Deferred()

    async def touch(self, session_ids: Iterable[str], now: float) -> None:
        await self.touching
        await super().touch(session_ids, now)


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


def test_who_stops_waits_for_activity_that_is_being_written(world: World) -> None:
    store = SlowToTouch()
    process = Process(store, world.clock)
    _, session = process.acquire()
    process.sessions.touch(session.id)
    world.clock.advance(60.0)
    stopping = ensureDeferred(process.sessions.stop())
    assert not stopping.called
    store.touching.callback(None)
    assert stopping.called
    assert now(store.last_activity(session.id)) == 60.0


def test_while_the_store_is_down_only_so_much_activity_waits(world: World) -> None:
    sessions = world.here.sessions
    world.store.is_down = True
    for minute in range(3):
        for number in range(TOUCHED_LIMIT // 2 + 1):
            sessions.touch(f"{minute} {number}")
        world.clock.advance(60.0)
    assert len(sessions._touched) == TOUCHED_LIMIT


@pytest.mark.parametrize("meanwhile", [TOUCHED_LIMIT - 1, TOUCHED_LIMIT + 1])
def test_of_what_could_not_be_written_only_so_much_is_kept_as_there_is_room_for(world: World, meanwhile: int) -> None:
    store = SlowToTouch()
    sessions = Process(store, world.clock).sessions
    sessions._touched.update(("before", "too"))
    world.clock.advance(60.0)
    later = {str(number) for number in range(meanwhile)}
    sessions._touched.update(later)
    with capturedLogs() as logs:
        store.touching.errback(StoreUnavailable("It is down."))
    assert [log["log_level"] for log in logs] == [LogLevel.warn]
    assert later <= sessions._touched
    assert len(sessions._touched) == max(meanwhile, TOUCHED_LIMIT)
    store.touching = succeed(None)
    now(sessions.stop())


def test_touching_is_the_sets_own_call(world: World) -> None:
    calls: list[str] = []
    touch = world.here.sessions.touch
    sys.setprofile(lambda frame, event, argument: calls.append(event))
    touch("id")
    sys.setprofile(None)
    assert calls.count("call") == 0
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


def test_the_first_purge_is_soon_after_the_start(world: World) -> None:
    """Who is started again within each hour removes what has expired all the same."""
    for other in (world.here, world.there):
        now(other.sessions.stop())
    process = Process(world.store, world.clock, first_purge=90.0)
    told = []
    for seconds in (89.0, 1.0, 3599.0, 1.0):
        world.clock.advance(seconds)
        told.append(world.store.asked["purge"])
    now(process.sessions.stop())
    assert told == [0, 1, 1, 2]


def test_a_chore_that_fails_is_logged_and_done_again_when_its_time_comes(world: World) -> None:
    purged: list[float] = []

    async def fail() -> None:
        purged.append(world.clock.seconds())
        raise ZeroDivisionError

    now(world.there.sessions.stop())
    world.here.sessions.on_purged(fail)
    with capturedLogs() as logs:
        world.clock.pump([3600.0] * 2)
        world.here.sessions.touch("id")
        world.store.is_down = True
        world.clock.advance(60.0)
    assert purged == [3600.0, 7200.0]
    assert [log["log_level"] for log in logs] == [LogLevel.critical, LogLevel.critical, LogLevel.warn]
    assert formatEvent(logs[-1]) == "Sessions could not be written: It is down."


def test_what_is_written_down_is_the_world_s_time(world: World) -> None:
    world.clock.ahead = 1_769_850_302.0
    _, session = world.here.acquire()
    token, _ = world.here.acquire()
    world.here.sessions.touch(session.id)
    world.clock.advance(60.0)
    assert now(world.store.last_activity(session.id)) == 1_769_850_362.0
    now(world.here.sessions.end(token))
    # Both purge every hour.
    world.clock.advance(3540.0)
    assert (world.store.asked["purge"], len(world.store._feed)) == (2, 1)
    world.clock.advance(3600.0)
    assert (len(world.store._feed), len(world.store._by_hash)) == (0, 1)
