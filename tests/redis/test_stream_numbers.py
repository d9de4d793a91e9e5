"""The wire over a stream of Redis: what comes twice is heard once, and what was forgotten is known to be lost."""

from __future__ import annotations

from random import Random

import pytest

from tests.support.harbour import EVERYBODY, Harbour
from yekta.redis.stream import MAX_WAITING, SIGN
from yekta.socketio import cluster_words as words
from yekta.socketio.cluster_words import Word


def test_what_redis_was_told_twice_is_heard_once(town: Harbour) -> None:
    for event in range(3):
        town.say(0, event)
        town.writer(0).lose_reply()
        town.redis.settle()
    assert town.kept() != list(dict.fromkeys(town.kept()))
    assert town.told(1, by=0) == town.told(2, by=0) == [0, 1, 2]
    assert [listener.changes for listener in town.listeners] == [3, 3, 3]


def test_who_lost_sight_of_another_hears_nothing_of_it_again(town: Harbour) -> None:
    town.say(0, "once")
    town.writer(0).step()
    town.reader(1).step()
    town.writer(1).stuck = True
    for _ in range(3):
        town.say(1, "x" * (MAX_WAITING // 2 - 1000))
    assert town.seen()[1] == set()
    town.clock.advance(1)
    for _, fields in town.redis.entries[:]:
        town.redis.do((b"XADD", b"socket.io", b"MINID", b"0", b"*", *fields))
    town.writer(1).stuck = False
    town.redis.settle()
    assert town.told(1, by=0) == ["once"]
    assert town.told(1) == []


def test_what_redis_has_forgotten_before_it_was_read_is_known_to_be_lost(town: Harbour) -> None:
    for name in ("lost", "lost, too"):
        town.say(0, name)
        town.writer(0).step()
    town.redis.entries.clear()
    before = [(listener.changes, listener.strangers) for listener in town.listeners]
    town.say(0, "then")
    town.redis.settle()
    town.add("node", Word(words.BROADCAST, "/", {"n": "theirs"}))
    for listener, (changes, strangers) in zip(town.listeners[1:], before[1:], strict=True):
        assert (listener.changes, listener.strangers) == (changes + 4, strangers + 1)
    # Whoever came again has not said yet how far it is.
    assert town.told(1) == ["then", "theirs"]
    assert town.seen() == EVERYBODY
    town.say(0, "more")
    town.redis.settle()
    assert town.told(1, by=0) == ["more"]


@pytest.mark.parametrize("seed", range(60))
def test_whatever_redis_forgets_all_say_again_how_far_they_are(seed: int) -> None:
    random, town = Random(seed), Harbour()
    for event in range(60):
        action = random.randrange(8)
        if action == 0:
            town.redis.entries.clear()
        elif action == 1:
            random.choice(town.redis.connections).lose()
        elif action == 2:
            town.say(random.randrange(3), event)
        else:
            town.redis.turn()
        town.clock.advance(random.choice((0, SIGN / 10)))
    town.pass_time(2 * SIGN)
    town.say(0, "then")
    town.redis.settle()
    assert [town.told(number, by=0)[-1:] for number in (1, 2)] == [["then"]] * 2
    for number in range(3):
        town.leave(number)
