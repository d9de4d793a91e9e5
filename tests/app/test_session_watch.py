"""The end of a session is told to whoever holds it, wherever it ended."""

from __future__ import annotations

from hashlib import sha256

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent

from tests.support.session_stores import FakeOutage
from tests.support.sessions import DAY, Process, World, now, world
from yekta.app.ended_feed import BATCH
from yekta.app.session_store import Ended
from yekta.app.sessions import EXPIRED, LOGGED_OUT, Sessions

__all__ = ["world"]


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


def test_the_end_elsewhere_of_what_was_held_before_the_start_is_told(world: World) -> None:
    heard = []
    sessions = Sessions(world.store, world.clock)
    sessions.on_ended(lambda *ended: heard.append(ended))
    token, session = now(sessions.acquire())
    sessions.hold(session)
    sessions.start()
    now(world.there.sessions.end(token))
    world.clock.advance(0.5)
    assert heard == [(session.id, LOGGED_OUT)]
    now(sessions.stop())


def test_whoever_comes_after_the_end_is_not_watched() -> None:
    clock = Clock()
    process = Process(FakeOutage(), clock)
    now(process.sessions.stop())
    process.acquire()
    assert clock.getDelayedCalls() == []


def test_what_is_not_held_any_more_is_not_told(world: World) -> None:
    token, session = world.here.acquire()
    world.here.sessions.hold(session)
    world.here.sessions.release(session)
    now(world.here.sessions.end(token))
    world.clock.advance(31 * DAY)
    assert world.here.heard == []


def test_expiry_of_many_sessions_takes_one_delayed_call_and_polling_one_query(world: World) -> None:
    now(world.there.sessions.stop())
    idle = len(world.clock.getDelayedCalls())
    sessions = []
    for _ in range(100):
        world.clock.advance(1.0)
        sessions.append(world.here.acquire()[1])
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
    world.clock.pump([0.5] * 60)
    assert len(world.clock.getDelayedCalls()) == idle


def test_nothing_is_polled_while_nothing_is_held_or_believed(world: World) -> None:
    idle = len(world.clock.getDelayedCalls())
    world.clock.pump([0.5] * 10)
    assert world.store.asked["ended_after"] == 0
    _, session = world.here.acquire()
    world.here.sessions.hold(session)
    world.clock.pump([0.5] * 100)
    world.here.sessions.release(session)
    world.clock.pump([0.5] * 60)
    polls = world.store.asked["ended_after"]
    assert polls == 160
    assert len(world.clock.getDelayedCalls()) == idle
    world.clock.pump([0.5] * 10)
    assert world.store.asked["ended_after"] == polls
    world.here.sessions.hold(session)
    world.clock.advance(0.5)
    assert world.store.asked["ended_after"] == polls + 1
    world.here.sessions.release(session)


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


def test_an_outage_is_logged_once_and_so_is_its_end(world: World) -> None:
    _, session = world.here.acquire()
    world.here.sessions.hold(session)
    world.clock.advance(0.5)
    with capturedLogs() as logs:
        for is_down in (True, False, True, False):
            world.store.is_down = is_down
            world.clock.pump([0.5] * 3)
    assert [log["log_level"] for log in logs] == [LogLevel.warn, LogLevel.info] * 2
    assert formatEvent(logs[0]) == "The feed of ended sessions cannot be read: It is down."


def test_a_mistake_of_the_store_is_logged_as_one_and_the_feed_read_again() -> None:
    clock = Clock()
    broken = [ZeroDivisionError()]

    class Broken(FakeOutage):
        async def ended_after(self, sequence: int, limit: int) -> list[Ended]:
            if broken:
                raise broken.pop()
            return await super().ended_after(sequence, limit)

    process = Process(Broken(), clock)
    token, session = process.acquire()
    process.sessions.hold(session)
    now(process.sessions._store.end(sha256(token.encode()).hexdigest(), LOGGED_OUT, 0.0))
    with capturedLogs() as logs:
        clock.advance(0.5)
    assert [log["log_failure"].type for log in logs] == [ZeroDivisionError]
    clock.advance(0.5)
    assert process.heard == [(session.id, LOGGED_OUT)]
    now(process.sessions.stop())


def test_a_poll_on_its_way_ends_with_the_watch() -> None:
    clock, asked = Clock(), []

    class Slow(FakeOutage):
        async def ended_after(self, sequence: int, limit: int) -> list[Ended]:
            asked.append(Deferred())
            return await asked[-1]

    sessions = Sessions(Slow(), clock)
    sessions.start()
    _, session = now(sessions.acquire())
    sessions.hold(session)
    clock.advance(0.5)
    with capturedLogs() as logs:
        now(sessions.stop())
    assert [each.called for each in asked] == [True]
    assert (clock.getDelayedCalls(), logs) == ([], [])


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
    with capturedLogs() as logs:
        now(sessions.end(token))
    assert heard == [(session.id, LOGGED_OUT)]
    assert [log["log_failure"].type for log in logs] == [ZeroDivisionError]
    now(sessions.stop())
