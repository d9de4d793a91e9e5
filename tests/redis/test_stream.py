"""The wire over a stream of Redis: who is seen, and that what one says arrives, in order and once."""

from __future__ import annotations

import pytest
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from tests.support.harbour import EVERYBODY, Harbour
from tests.support.streams import MemoryRedis
from yekta.redis.entries import number_of
from yekta.redis.others import ALIVE, HAIL, LEAVING, MAX_NAME, MOST, SILENCE, STRANGERS
from yekta.redis.stream import KEPT, MAX_WAITING, SIGN, StreamWire
from yekta.socketio import cluster_words as words
from yekta.socketio.cluster import Cluster
from yekta.socketio.cluster_words import Word


def test_all_see_all_and_hear_what_is_said(town: Harbour) -> None:
    town.say(0, "a")
    town.say(1, "b")
    town.listeners[2].wire.send(town.listeners[0].wire.name, Word(words.EMIT, "/", {"n": "to one"}))
    town.listeners[2].wire.send("unknown", Word(words.EMIT, "/", {"n": "to nobody"}))
    assert len(town.writer(2).said) == 1
    town.redis.settle()
    assert [town.told(number, by=0) for number in range(3)] == [[], ["a"], ["a"]]
    assert [town.told(number, by=1) for number in range(3)] == [["b"], [], ["b"]]
    assert [town.told(number, by=2) for number in range(3)] == [["to one"], [], []]


def test_what_was_said_before_one_came_is_not_heard(town: Harbour) -> None:
    town.say(0, "before")
    town.redis.settle()
    late = town.begin()
    town.say(0, "after")
    town.redis.settle()
    assert [event for _, event in late.told] == ["after"]


def test_nothing_waits_for_a_redis_that_is_not_there_at_the_start() -> None:
    town = Harbour(0)
    town.redis.stop()
    listener = town.begin()
    assert not listener.wire.is_up
    assert listener.seen == [STRANGERS]
    town.redis.start()
    town.redis.settle()
    assert listener.wire.is_up
    assert (listener.seen, listener.changes) == ([STRANGERS], 1)
    town.leave(0)


def test_how_far_the_stream_was_is_known_once_it_is_read(town: Harbour) -> None:
    town.say(0, "before")
    town.redis.settle()
    newest = number_of(town.redis.entries[-1][0])
    wire = StreamWire(town.clock, town.redis.connect)
    cluster = Cluster(wire)
    assert cluster.progress.now().alive[STRANGERS] == 0
    wire.start()
    while not cluster.progress.now().alive[STRANGERS] and town.redis.turn():
        pass
    assert cluster.progress.now().alive[STRANGERS] == newest
    assert ensureDeferred(wire.leave()).called


def test_who_goes_is_not_seen_any_more_though_what_it_said_before_arrives(town: Harbour) -> None:
    town.say(0, "last words")
    town.leave(0)
    assert town.told(1, by=0) == ["last words"]
    assert town.seen() == [set(), {2}, {1}]


def test_who_is_silent_is_not_seen_any_more_and_is_again_when_it_speaks(town: Harbour) -> None:
    town.writer(0).stuck = True
    town.pass_time(SILENCE + 1)
    assert town.seen() == [{1, 2}, {2}, {1}]
    town.writer(0).stuck = False
    town.redis.settle()
    assert town.seen() == EVERYBODY
    # All others said that they are there.
    assert town.listeners[2].changes == 3 + 2


def test_signs_of_life_are_no_news(town: Harbour) -> None:
    changes = [listener.changes for listener in town.listeners]
    town.pass_time(60)
    assert [listener.changes for listener in town.listeners] == changes


def test_no_entry_stays_for_long(town: Harbour) -> None:
    town.say(0, "private")
    town.redis.settle()
    town.pass_time(KEPT + SIGN + 1)
    assert "private" not in town.kept()


@pytest.mark.parametrize("ahead", [-3600, 3600, 86400 * 365])
def test_how_long_entries_are_kept_goes_by_the_clock_of_redis(ahead: float) -> None:
    town = Harbour(0)
    town.redis.ahead = ahead
    for _ in range(3):
        town.begin()
    assert town.seen() == EVERYBODY
    town.say(0, "private")
    town.redis.settle()
    assert town.told(1, by=0) == ["private"]
    town.pass_time(KEPT - SIGN)
    assert "private" in town.kept()
    town.pass_time(2 * SIGN + 1)
    assert "private" not in town.kept()
    assert town.seen() == EVERYBODY
    for number in range(3):
        town.leave(number)


# -- strangers -----------------------------------------------------------------------------------------------


def test_what_one_of_ours_says_before_it_says_how_far_it_is_is_heard_as_a_stranger_s(town: Harbour) -> None:
    town.add("ours", Word(ALIVE))
    town.add("ours", Word(words.BROADCAST, "/", {"n": 1, "seq": 7}))
    town.add("ours", Word(words.HELLO))
    town.add("ours", Word(words.BROADCAST, "/", {"n": 2, "seq": 8}))
    for listener in town.listeners:
        assert listener.told == [(STRANGERS, 1), ("ours", 2)]


def test_how_far_the_stream_was_read_is_told(town: Harbour) -> None:
    assert {listener.read for listener in town.listeners} == {number_of(town.redis.entries[-1][0])}


def test_what_others_servers_say_is_heard_with_its_place(town: Harbour) -> None:
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
def test_what_they_ask_is_not(town: Harbour, word: Word) -> None:
    town.add("node", word)
    assert [town.told(number) for number in range(3)] == [[]] * 3


def test_what_is_no_word_is_passed_over(town: Harbour) -> None:
    town.redis.do((b"XADD", b"socket.io", b"MINID", b"0", b"*", b"uid", b"node", b"type", b"x"))
    town.redis.settle()
    town.add("node", Word(words.BROADCAST, "/", {"n": 1}))
    assert town.told(0) == [1]


def test_who_is_not_understood_is_left_until_it_says_that_it_is_there(town: Harbour) -> None:
    town.listeners[1].refusing = True
    town.say(0, "?")
    town.redis.settle()
    assert town.seen() == [{1, 2}, {2}, {0, 1}]
    town.listeners[1].refusing = False
    town.pass_time(SIGN + 1)
    assert town.seen() == EVERYBODY


@pytest.mark.parametrize("name", ["", STRANGERS, "x" * (MAX_NAME + 1)])
def test_a_name_that_nobody_can_have_is_nobody_s(town: Harbour, name: str) -> None:
    town.add(name, Word(HAIL))
    town.add(name, Word(words.HELLO))
    assert town.seen() == EVERYBODY
    town.add(name, Word(LEAVING))
    assert all(STRANGERS in listener.seen for listener in town.listeners)
    town.add(name, Word(words.BROADCAST, "/", {"n": 1}))
    assert [town.told(number) for number in range(3)] == [[1]] * 3


def test_so_many_are_seen_and_others_heard_as_strangers() -> None:
    town = Harbour(1)
    for number in range(MOST + 1):
        town.add(f"ours {number}", Word(words.HELLO))
    town.add(f"ours {MOST}", Word(words.BROADCAST, "/", {"n": 1}))
    town.add("ours 0", Word(words.BROADCAST, "/", {"n": 2}))
    assert len(town.listeners[0].seen) == MOST + 1
    assert town.listeners[0].told == [(STRANGERS, 1), ("ours 0", 2)]
    town.leave(0)


def test_what_is_too_large_is_not_said_and_takes_nothing_with_it(town: Harbour) -> None:
    town.say(0, "before")
    with pytest.raises(ValueError, match="too large"):
        town.say(0, "x" * MAX_WAITING)
    with pytest.raises(ValueError, match="too large"):
        town.listeners[0].wire.send(town.listeners[1].wire.name, Word(words.EMIT, "/", {"n": "x" * MAX_WAITING}))
    town.redis.settle()
    assert town.told(1, by=0) == ["before"]
    assert town.seen() == EVERYBODY


def test_one_of_ours_that_was_not_seen_is_seen_by_its_sign(town: Harbour) -> None:
    town.add("ours", Word(ALIVE))
    assert all("ours" in listener.seen for listener in town.listeners)
    town.add("ours", Word(LEAVING))
    assert not any("ours" in listener.seen for listener in town.listeners)


def test_one_that_comes_again_is_to_say_again_how_far_it_is(town: Harbour) -> None:
    for word in (Word(words.HELLO), Word(LEAVING), Word(ALIVE), Word(words.BROADCAST, "/", {"n": 1, "seq": 7})):
        town.add("ours", word)
    assert town.told(0) == [1]


def test_a_cluster_hears_strangers_and_asks_them_nothing() -> None:
    clock = Clock()
    redis = MemoryRedis(clock)
    wire = StreamWire(clock, redis.connect)
    cluster = Cluster(wire)
    wire.start()
    redis.settle()
    assert (cluster.progress.others, cluster.others) == ((STRANGERS,), ())
    ensureDeferred(wire.leave())
