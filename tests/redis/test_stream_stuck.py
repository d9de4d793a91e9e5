"""The wire over a stream of Redis that is connected, and says nothing, or nothing that can be read."""

from __future__ import annotations

from twisted.python.failure import Failure

from tests.support.harbour import EVERYBODY, Harbour
from yekta.redis.connection import Refused
from yekta.redis.others import SILENCE
from yekta.redis.stream import BATCH, PATIENCE, SIGN


def test_a_reader_whose_redis_says_nothing_connects_anew(town: Harbour) -> None:
    town.reader(0).stuck = True
    town.clock.advance(SILENCE)
    assert not town.reader(0).is_up
    town.reader(0).stuck = False
    town.redis.settle()
    assert town.seen() == EVERYBODY


def test_one_that_does_not_hear_whether_it_may_read_on_connects_anew(town: Harbour) -> None:
    reader = town.reader(0)
    reader.lose()
    reader.stuck = True
    town.redis.turn()
    assert reader.said[0][0][0] == b"XRANGE"
    town.clock.advance(SILENCE)
    assert not reader.is_up
    reader.stuck = False
    town.redis.settle()
    assert town.seen() == EVERYBODY


def test_one_that_is_being_connected_to_is_not_called_silent(town: Harbour) -> None:
    town.redis.stop()
    town.say(0, "late")
    for _ in range(round(PATIENCE + 3 * SIGN)):
        town.clock.advance(1)
    assert town.writer(0).complaints == []


def test_a_reply_that_cannot_be_read_is_logged_and_read_on_after(town: Harbour, logged: list[Failure]) -> None:
    [(_, reading)] = town.reader(0).said
    reading.callback([1])
    assert not town.reader(0).is_up
    assert [each.type for each in logged] == [TypeError]
    logged.clear()
    town.redis.settle()
    town.say(1, "then")
    town.redis.settle()
    assert town.told(0, by=1) == ["then"]


def test_a_redis_that_is_not_to_be_read_is_told_of(town: Harbour) -> None:
    [(_, reading)] = town.reader(0).said
    reading.errback(Refused("NOPERM"))
    assert town.reader(0).complaints == ["NOPERM"]


def test_a_redis_that_confirms_nothing_is_connected_to_anew_and_told_all_again(town: Harbour) -> None:
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


def test_what_is_not_confirmed_by_the_next_connection_either_is_lost(town: Harbour) -> None:
    """As where writes are paused, or one word is longer than the way takes in time."""
    writer = town.writer(0)
    writer.stuck = True
    town.say(0, "lost")
    town.pass_time(PATIENCE + SIGN)
    assert writer.complaints == ["it is silent"] * 2
    writer.stuck = False
    town.redis.settle()
    town.say(0, "then")
    town.redis.settle()
    assert [event for _, event in town.listeners[1].told] == ["then"]
    assert town.seen() == EVERYBODY


def test_one_that_is_late_is_not_up_until_it_has_confirmed_something(town: Harbour) -> None:
    wire, writer = town.listeners[0].wire, town.writer(0)
    writer.stuck = True
    town.say(0, "late")
    town.clock.advance(SIGN)
    assert wire.is_up
    town.clock.advance(SIGN)
    writer.connect()
    assert (writer.is_up, wire.is_up) == (True, False)
    writer.stuck = False
    town.redis.settle()
    assert wire.is_up


def test_of_what_takes_too_long_to_come_less_is_asked_for_at_a_time_until_it_comes(town: Harbour) -> None:
    reader, asked = town.reader(0), []
    reader.stuck = True
    town.clock.advance(SILENCE)
    reader.stuck = False
    for event in range(2 * BATCH):
        town.say(1, event)
    for _ in range(1000):
        if reader.said and reader.said[0][0][0] == b"XREAD":
            asked.append(int(reader.said[0][0][2]))
        town.redis.turn()
    counts = list(dict.fromkeys(asked))
    assert counts == [1, 2, 4, 8, 16, 32, 64, BATCH]
    assert [event for _, event in town.listeners[0].told] == list(range(2 * BATCH))


def test_one_that_confirms_what_it_is_told_is_left_alone(town: Harbour) -> None:
    for event in range(30):
        town.say(0, event)
        town.pass_time(1)
    assert town.writer(0).complaints == []
    assert town.told(1, by=0) == list(range(30))
