"""The wire over a stream of Redis: who is seen, and that what one says arrives, in order and once, whatever is lost."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from tests.support.streams import MemoryRedis
from yekta.redis.entries import number_of, written
from yekta.redis.stream import (
    ALIVE,
    KEPT,
    LEAVING,
    MAX_WAITING,
    PATIENCE,
    SIGN,
    SILENCE,
    STRANGERS,
    Refused,
    StreamWire,
)
from yekta.socketio import cluster_words as words
from yekta.socketio.cluster_words import Unreadable, Word


class Listener:
    """Whoever hears what comes over a wire. ``told``: who said which event. ``refusing``: it understands nothing."""

    def __init__(self, wire: StreamWire) -> None:
        self.wire = wire
        self.seen: list[str] = []
        self.told: list[tuple[str, Any]] = []
        self.changes = 0
        self.read = 0
        self.refusing = False
        wire.begin(self)
        wire.start()

    def came(self, name: str) -> None:
        assert name not in self.seen
        self.seen.append(name)
        self.changes += 1
        # As a cluster does.
        self.wire.send(name, Word(words.HELLO))

    def went(self, name: str) -> None:
        self.seen.remove(name)
        self.changes += 1

    def reached(self, name: str, number: int) -> None:
        assert name == STRANGERS
        assert number > self.read
        self.read = number

    def heard(self, name: str, word: Word) -> None:
        assert name in self.seen
        if self.refusing:
            raise Unreadable
        if word.kind != words.HELLO:
            self.told.append((name, word.data.get("n")))


class Town:
    """Servers over one Redis. ``listeners``: one for each."""

    def __init__(self, servers: int = 3) -> None:
        self.clock = Clock()
        self.clock.advance(1_795_834_638)
        self.redis = MemoryRedis(self.clock)
        self.listeners: list[Listener] = []
        for _ in range(servers):
            self.begin()

    def begin(self) -> Listener:
        self.listeners.append(Listener(StreamWire(self.clock, self.redis.connect)))
        self.redis.settle()
        return self.listeners[-1]

    def pass_time(self, seconds: float) -> None:
        """In steps, as signs of life want to be heard."""
        for _ in range(round(seconds)):
            self.clock.advance(1)
            self.redis.settle()

    def say(self, number: int, event: Any) -> None:
        self.listeners[number].wire.publish(Word(words.EMIT, "/", {"n": event}))

    def told(self, number: int, *, by: int | None = None) -> list[Any]:
        """What one was told, by another."""
        name = STRANGERS if by is None else self.listeners[by].wire.name
        return [event for teller, event in self.listeners[number].told if teller == name]

    def seen(self) -> list[set[int]]:
        names = [listener.wire.name for listener in self.listeners]
        return [{names.index(name) for name in each.seen if name != STRANGERS} for each in self.listeners]

    def add(self, uid: str, word: Word) -> None:
        """As somebody else's server does."""
        self.redis.do((b"XADD", b"socket.io", b"MINID", b"0", b"*", *written(uid, word)))
        self.redis.settle()

    def leave(self, number: int) -> None:
        left = ensureDeferred(self.listeners[number].wire.leave())
        assert left.called
        self.redis.settle()

    def reader(self, number: int) -> Any:
        return self.redis.connections[2 * number + 1]

    def writer(self, number: int) -> Any:
        return self.redis.connections[2 * number]


EVERYBODY = [{1, 2}, {0, 2}, {0, 1}]


@pytest.fixture
def town() -> Iterator[Town]:
    town = Town()
    assert town.seen() == EVERYBODY
    yield town
    for number in range(len(town.listeners)):
        town.leave(number)
    assert town.clock.getDelayedCalls() == []
    assert all(set(listener.seen) <= {STRANGERS} for listener in town.listeners)


def test_all_see_all_and_hear_what_is_said(town: Town) -> None:
    town.say(0, "a")
    town.say(1, "b")
    town.listeners[2].wire.send(town.listeners[0].wire.name, Word(words.EMIT, "/", {"n": "to one"}))
    town.listeners[2].wire.send("unknown", Word(words.EMIT, "/", {"n": "to nobody"}))
    assert len(town.writer(2).said) == 1
    town.redis.settle()
    assert [town.told(number, by=0) for number in range(3)] == [[], ["a"], ["a"]]
    assert [town.told(number, by=1) for number in range(3)] == [["b"], [], ["b"]]
    assert [town.told(number, by=2) for number in range(3)] == [["to one"], [], []]


def test_what_was_said_before_one_came_is_not_heard(town: Town) -> None:
    town.say(0, "before")
    town.redis.settle()
    late = town.begin()
    town.say(0, "after")
    town.redis.settle()
    assert [event for _, event in late.told] == ["after"]


def test_nothing_waits_for_a_redis_that_is_not_there_at_the_start() -> None:
    town = Town(0)
    town.redis.stop()
    listener = town.begin()
    assert not listener.wire.is_up
    assert listener.seen == []
    town.redis.start()
    town.redis.settle()
    assert listener.wire.is_up
    assert listener.seen == [STRANGERS]
    town.leave(0)


def test_who_goes_is_not_seen_any_more_though_what_it_said_before_arrives(town: Town) -> None:
    town.say(0, "last words")
    town.leave(0)
    assert town.told(1, by=0) == ["last words"]
    assert town.seen() == [set(), {2}, {1}]


def test_who_is_silent_is_not_seen_any_more_and_is_again_when_it_speaks(town: Town) -> None:
    town.writer(0).stuck = True
    town.pass_time(SILENCE + 1)
    assert town.seen() == [{1, 2}, {2}, {1}]
    town.writer(0).stuck = False
    town.redis.settle()
    assert town.seen() == EVERYBODY
    # All others said that they are there.
    assert town.listeners[2].changes == 3 + 2


def test_signs_of_life_are_no_news(town: Town) -> None:
    changes = [listener.changes for listener in town.listeners]
    town.pass_time(60)
    assert [listener.changes for listener in town.listeners] == changes


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_cut_for_a_moment_nothing_is_lost(seed: int) -> None:
    random, town = Random(seed), Town()
    for event in range(60):
        town.say(random.randrange(3), event)
        action = random.randrange(8)
        if action == 0:
            town.redis.stop()
            town.say(random.randrange(3), 100 + event)
            town.redis.start()
        elif action == 1:
            random.choice(town.redis.connections).lose()
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
            # Some may come twice, which a cluster knows by their numbers; and in their order but for that.
            assert list(dict.fromkeys(events)) == list(dict.fromkeys(town.told(3 - number - other, by=other)))
    for number in range(3):
        town.leave(number)


def test_what_was_said_while_redis_was_away_for_a_moment_arrives(town: Town) -> None:
    town.redis.stop()
    town.say(0, "missed")
    town.clock.advance(PATIENCE - 1)
    town.redis.start()
    town.redis.settle()
    town.pass_time(2)
    assert town.told(1, by=0) == ["missed"]
    assert town.listeners[1].changes == 3


def test_where_it_is_away_for_long_all_are_gone_for_a_while(town: Town) -> None:
    town.redis.stop()
    town.say(0, "lost")
    town.clock.advance(PATIENCE)
    assert town.seen() == [set(), set(), set()]
    for _ in range(100):
        town.say(0, "x" * (MAX_WAITING // 50))
    town.redis.start()
    town.redis.settle()
    assert town.seen() == EVERYBODY
    # What comes late is worse than what is lost: it may be hours old.
    assert town.told(1, by=0) == town.told(1) == []
    town.say(0, "then")
    town.redis.settle()
    assert town.told(1, by=0) == ["then"]


def test_what_redis_has_waits_no_longer(town: Town) -> None:
    third = "x" * (MAX_WAITING // 3)
    for _ in range(7):
        town.say(0, third)
        town.redis.settle()
    assert town.told(1, by=0) == [third] * 7
    assert town.listeners[1].changes == 3


def test_while_redis_is_away_nothing_piles_up(town: Town) -> None:
    town.redis.stop()
    town.pass_time(3600)
    town.redis.start()
    town.redis.settle()
    # Each goes, comes, says how far it is, and is asked for it by the others.
    assert len(town.redis.entries) < 40
    assert town.seen() == EVERYBODY


def test_who_leaves_while_redis_is_away_or_coming_leaves_nothing_behind() -> None:
    town = Town(1)
    town.redis.stop()
    town.leave(0)
    assert town.clock.getDelayedCalls() == []
    assert not any(connection.wanted for connection in town.redis.connections)
    town = Town(0)
    listener = Listener(StreamWire(town.clock, town.redis.connect))
    for connection in town.redis.connections:
        connection.connect()
    town.listeners.append(listener)
    town.leave(0)
    assert town.clock.getDelayedCalls() == []
    assert listener.seen == []


def test_more_than_may_wait_is_lost_and_all_are_told(town: Town) -> None:
    town.writer(0).stuck = True
    half = "x" * (MAX_WAITING // 2)
    town.say(0, half)
    assert town.seen()[0] == {1, 2}
    town.say(0, half)
    assert town.seen()[0] == set()
    town.writer(0).stuck = False
    town.redis.settle()
    assert town.told(1, by=0) == []
    assert town.seen() == EVERYBODY
    # Whoever had seen it has lost it in between.
    assert town.listeners[1].changes == 3 + 2


def test_what_redis_does_not_take_is_lost_and_all_are_told(town: Town) -> None:
    town.redis.full = True
    town.say(0, "lost")
    town.writer(0).step()
    assert town.writer(0).complaints == ["OOM"]
    town.redis.full = False
    town.redis.settle()
    assert town.told(1, by=0) == []
    assert town.listeners[1].changes == 3 + 2
    assert town.seen() == EVERYBODY


def test_who_was_away_for_longer_than_entries_are_kept_begins_anew(town: Town) -> None:
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


def test_a_reader_whose_redis_says_nothing_connects_anew(town: Town) -> None:
    town.reader(0).stuck = True
    town.clock.advance(SILENCE)
    assert not town.reader(0).is_up
    town.reader(0).stuck = False
    town.redis.settle()
    assert town.seen() == EVERYBODY


def test_a_redis_that_is_not_to_be_read_is_told_of(town: Town) -> None:
    [(_, reading)] = town.reader(0).said
    reading.errback(Refused("NOPERM"))
    assert town.reader(0).complaints == ["NOPERM"]


def test_a_redis_that_confirms_nothing_is_connected_to_anew_and_told_all_again(town: Town) -> None:
    writer = town.writer(0)
    writer.stuck = True
    town.say(0, "late")
    town.clock.advance(SIGN)
    assert writer.is_up
    town.clock.advance(SIGN)
    assert not writer.is_up
    assert writer.complaints == ["it is silent"]
    writer.stuck = False
    town.redis.settle()
    assert town.told(1, by=0) == ["late"]
    assert town.seen() == EVERYBODY


def test_one_that_confirms_what_it_is_told_is_left_alone(town: Town) -> None:
    for event in range(30):
        town.say(0, event)
        town.pass_time(1)
    assert town.writer(0).complaints == []
    assert town.told(1, by=0) == list(range(30))


def test_no_entry_stays_for_long(town: Town) -> None:
    town.say(0, "private")
    town.redis.settle()
    town.pass_time(KEPT + SIGN + 1)
    assert not any(b"private" in field for _, fields in town.redis.entries for field in fields)


def test_a_clock_that_measures_differently_does_not_matter() -> None:
    clock = Clock()
    redis = MemoryRedis(clock)
    clock.wall = lambda: 1e9  # type: ignore[attr-defined]
    listener = Listener(StreamWire(clock, redis.connect))
    redis.settle()
    minimums = [command[3] for command, _ in redis.connections[0].said] or [b"none is left"]
    listener.wire.publish(Word(words.EMIT, "/", {}))
    (command, _) = redis.connections[0].said[0]
    assert command[3] == str(round((1e9 - KEPT) * 1000)).encode()
    assert minimums == [b"none is left"]
    ensureDeferred(listener.wire.leave())


# -- strangers -----------------------------------------------------------------------------------------------


def test_what_one_of_ours_says_before_it_says_how_far_it_is_is_heard_as_a_stranger_s(town: Town) -> None:
    town.add("ours", Word(ALIVE))
    town.add("ours", Word(words.BROADCAST, "/", {"n": 1, "seq": 7}))
    town.add("ours", Word(words.HELLO))
    town.add("ours", Word(words.BROADCAST, "/", {"n": 2, "seq": 8}))
    for listener in town.listeners:
        assert listener.told == [(STRANGERS, 1), ("ours", 2)]


def test_how_far_the_stream_was_read_is_told(town: Town) -> None:
    assert {listener.read for listener in town.listeners} == {number_of(town.redis.entries[-1][0])}


def test_what_others_servers_say_is_heard_with_its_place(town: Town) -> None:
    town.add("node", Word(words.BROADCAST, "/", {"n": 1}))
    town.add("emitter", Word(words.JOIN, "/", {"n": 2}))
    assert [town.told(number) for number in range(3)] == [[1, 2]] * 3


@pytest.mark.parametrize(
    "word",
    [
        Word(words.FETCH, "/", {"n": 1, "requestId": "x"}),
        Word(words.EMIT, "/", {"n": 1, "requestId": "x"}),
        Word(words.TAKE, "/", {"n": 1}),
        Word(words.ACK, "/", {"n": 1}),
        Word(99, "/", {"n": 1}),
        Word(LEAVING, ""),
    ],
)
def test_what_they_ask_is_not(town: Town, word: Word) -> None:
    town.add("node", word)
    assert [town.told(number) for number in range(3)] == [[]] * 3


def test_what_is_no_word_is_passed_over(town: Town) -> None:
    town.redis.do((b"XADD", b"socket.io", b"MINID", b"0", b"*", b"uid", b"node", b"type", b"x"))
    town.redis.settle()
    town.add("node", Word(words.BROADCAST, "/", {"n": 1}))
    assert town.told(0) == [1]


def test_who_is_not_understood_is_left_until_it_says_that_it_is_there(town: Town) -> None:
    town.listeners[1].refusing = True
    town.say(0, "?")
    town.redis.settle()
    assert town.seen() == [{1, 2}, {2}, {0, 1}]
    town.listeners[1].refusing = False
    town.pass_time(SIGN + 1)
    assert town.seen() == EVERYBODY


def test_one_of_ours_that_was_not_seen_is_seen_by_its_sign(town: Town) -> None:
    town.add("ours", Word(ALIVE))
    assert all("ours" in listener.seen for listener in town.listeners)
    town.add("ours", Word(LEAVING))
    assert not any("ours" in listener.seen for listener in town.listeners)
