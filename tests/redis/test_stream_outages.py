"""The wire over a stream of Redis that is away, stuck or full: what is lost is known to be."""

from __future__ import annotations

import sys
from random import Random
from typing import Any

import pytest

from tests.support.harbour import EVERYBODY, Harbour, Listener
from yekta.redis.connection import Refused
from yekta.redis.others import SILENCE, STRANGERS
from yekta.redis.stream import KEPT, MAX_WAITING, PATIENCE, SIGN, StreamWire


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_cut_for_a_moment_nothing_is_lost(seed: int) -> None:
    random, town = Random(seed), Harbour()
    for event in range(60):
        town.say(random.randrange(3), event)
        action = random.randrange(8)
        if action == 0:
            town.redis.stop()
            town.say(random.randrange(3), 100 + event)
            town.redis.start()
        elif action == 1:
            random.choice(town.redis.connections).lose()
        elif action == 2:
            random.choice(town.redis.connections[::2]).lose_reply()
        elif action < 5:
            random.choice(town.redis.connections).step()
        else:
            town.redis.settle()
        town.clock.advance(random.choice((0, 0.1, SIGN / 10)))
    town.redis.settle()
    assert town.seen() == EVERYBODY
    everything: set[Any] = {event for number in range(3) for other in range(3) for event in town.told(number, by=other)}
    for number in range(3):
        heard = {other: town.told(number, by=other) for other in range(3) if other != number}
        own = [event for other in range(3) if other != number for event in town.told(other, by=number)]
        assert {event for events in heard.values() for event in events} | set(own) == everything
        for other, events in heard.items():
            assert len(set(events)) == len(events)
            assert events == town.told(3 - number - other, by=other)
    for number in range(3):
        town.leave(number)


def test_what_was_said_while_redis_was_away_for_a_moment_arrives(town: Harbour) -> None:
    town.redis.stop()
    town.say(0, "missed")
    town.clock.advance(PATIENCE - 1)
    town.redis.start()
    town.redis.settle()
    town.pass_time(2)
    assert town.told(1, by=0) == ["missed"]
    assert town.listeners[1].changes == 3


def test_what_waited_for_a_redis_that_has_forgotten_all_is_heard_by_whoever_comes_later(town: Harbour) -> None:
    town.redis.stop()
    town.redis.entries.clear()
    for event in ("waited", "too"):
        town.say(0, event)
    town.clock.advance(1)
    town.redis.start()
    town.writer(0).connect()
    while town.writer(0).step():
        pass
    town.redis.settle()
    for number in (1, 2):
        assert [event for _, event in town.listeners[number].told] == ["waited", "too"]
    assert town.seen() == EVERYBODY


def test_where_it_is_away_for_long_all_are_gone_for_a_while(town: Harbour) -> None:
    town.redis.stop()
    town.say(0, "lost")
    town.clock.advance(PATIENCE)
    assert town.seen() == [set(), set(), set()]
    for _ in range(100):
        town.say(0, "x" * (MAX_WAITING // 50))
    town.say(0, "late")
    town.redis.start()
    town.redis.settle()
    assert town.seen() == EVERYBODY
    # What comes late is worse than what is lost: it may be hours old.
    assert town.told(1, by=0) == town.told(1) == []
    town.say(0, "then")
    town.redis.settle()
    assert town.told(1, by=0) == ["then"]


def test_what_is_said_before_anything_can_be_written_waits(town: Harbour) -> None:
    listener = Listener(StreamWire(town.clock, town.redis.connect))
    town.listeners.append(listener)
    town.writer(3).wanted = False
    town.redis.settle()
    assert not listener.wire.is_up
    town.say(3, "early")
    town.writer(3).wanted = True
    town.redis.settle()
    assert listener.wire.is_up
    # It has not said yet how far it is.
    assert town.told(0) == ["early"]


def test_what_is_said_before_anything_can_be_written_waits_no_longer_than_later(town: Harbour) -> None:
    listener = Listener(StreamWire(town.clock, town.redis.connect))
    town.listeners.append(listener)
    town.writer(3).wanted = False
    town.redis.settle()
    town.say(3, "old")
    town.pass_time(PATIENCE)
    town.writer(3).wanted = True
    town.redis.settle()
    assert town.told(0) == []
    town.say(3, "then")
    town.redis.settle()
    assert town.told(0, by=3) == ["then"]


def test_what_redis_has_waits_no_longer(town: Harbour) -> None:
    third = "x" * (MAX_WAITING // 3)
    for _ in range(7):
        town.say(0, third)
        town.redis.settle()
    assert town.told(1, by=0) == [third] * 7
    assert town.listeners[1].changes == 3


def test_while_redis_is_away_nothing_piles_up(town: Harbour) -> None:
    town.redis.stop()
    town.pass_time(3600)
    town.redis.start()
    town.redis.settle()
    # Each goes, comes, says how far it is, and is asked for it by the others.
    assert len(town.redis.entries) < 40
    assert town.seen() == EVERYBODY


def test_who_leaves_while_redis_is_away_or_coming_leaves_nothing_behind() -> None:
    town = Harbour(1)
    town.redis.stop()
    town.leave(0)
    assert town.clock.getDelayedCalls() == []
    assert not any(connection.wanted for connection in town.redis.connections)
    town = Harbour(0)
    listener = Listener(StreamWire(town.clock, town.redis.connect))
    for connection in town.redis.connections:
        connection.connect()
    town.listeners.append(listener)
    town.leave(0)
    assert town.clock.getDelayedCalls() == []
    assert listener.seen == [STRANGERS]


def test_more_than_may_wait_is_lost_and_all_are_told(town: Harbour) -> None:
    town.writer(0).stuck = True
    third = "x" * (MAX_WAITING // 3)
    town.say(0, third)
    town.say(0, third)
    assert town.seen()[0] == {1, 2}
    town.say(0, third)
    assert town.seen()[0] == set()
    town.writer(0).stuck = False
    town.redis.settle()
    assert town.told(1, by=0) == []
    assert town.seen() == EVERYBODY
    # Whoever had seen it has lost it in between.
    assert town.listeners[1].changes == 3 + 2


def test_what_redis_does_not_take_is_lost_and_all_are_told(town: Harbour) -> None:
    town.redis.full = True
    town.say(0, "lost")
    town.writer(0).step()
    assert town.writer(0).complaints == ["OOM"]
    town.redis.full = False
    town.redis.settle()
    assert town.told(1, by=0) == []
    assert town.listeners[1].changes == 3 + 2
    assert town.seen() == EVERYBODY


def test_a_redis_that_is_full_of_what_was_said_forgets_it_and_takes_more(town: Harbour) -> None:
    town.redis.most = 500
    for event in range(500):
        town.say(0, event)
    for _ in range(1000):
        town.redis.turn()
    assert town.seen()[0] == set()
    for _ in range(round(KEPT + 2 * SILENCE)):
        town.clock.advance(1)
        for _ in range(40):
            town.redis.turn()
    seen, town.redis.most = town.seen(), sys.maxsize
    assert seen == EVERYBODY
    town.say(0, "then")
    town.redis.settle()
    assert town.told(1, by=0)[-1] == "then"


def test_what_is_confirmed_after_something_was_refused_hides_nothing(town: Harbour) -> None:
    town.say(0, "lost")
    town.say(0, "added")
    (_, lost), (_, added) = town.writer(0).said
    town.writer(0).said.clear()
    lost.errback(Refused("OOM"))
    added.callback(b"1-1")
    town.redis.settle()
    assert town.listeners[1].changes == 3 + 2
    assert town.seen() == EVERYBODY


def test_where_redis_has_forgotten_what_was_not_read_all_are_gone_for_a_moment(town: Harbour) -> None:
    reader = town.reader(0)
    reader.wanted = False
    reader.lose()
    town.say(1, "lost")
    town.redis.settle()
    town.redis.entries.clear()
    reader.wanted = True
    before = town.listeners[0].changes
    town.redis.settle()
    assert town.told(0, by=1) == []
    assert town.seen() == EVERYBODY
    # Both others, and the strangers.
    assert town.listeners[0].changes == before + 6


def test_who_was_away_for_longer_than_entries_are_kept_begins_anew(town: Harbour) -> None:
    reader = town.reader(0)
    reader.wanted = False
    reader.lose()
    town.pass_time(KEPT + 2 * SIGN)
    town.say(1, "lost")
    town.redis.settle()
    town.pass_time(KEPT + 2 * SIGN)
    reader.wanted = True
    before = town.listeners[1].changes
    town.redis.settle()
    town.say(1, "heard")
    town.redis.settle()
    assert town.told(0, by=1) == ["heard"]
    assert town.seen() == EVERYBODY
    assert town.listeners[1].changes == before + 2
