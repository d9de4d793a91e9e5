"""What was said and may not be in Redis yet."""

from __future__ import annotations

import tracemalloc

import pytest
from twisted.internet.defer import Deferred

from yekta.redis.entries import read
from yekta.redis.waiting import OVERHEAD, Waiting
from yekta.socketio.cluster_words import Word


def add(waiting: Waiting, kind: int = 3) -> tuple[bytes, ...]:
    fields = waiting.written(Word(kind))
    waiting.add(fields)
    return fields


def numbers(waiting: Waiting) -> list[int]:
    return [entry[1] for entry in (read(fields, "you") for fields in waiting) if entry is not None]


def test_each_has_the_next_number_and_only_what_waits_has_one() -> None:
    waiting = Waiting("me")
    waiting.written(Word(3))
    first = add(waiting)
    with pytest.raises(ValueError, match=r"^$"):
        waiting.written(Word(3, data={"x": object()}))
    add(waiting)
    assert numbers(waiting) == [1, 2]
    waiting.confirm(first)
    add(waiting)
    assert numbers(waiting) == [2, 3]
    waiting.clear()
    assert (numbers(waiting), waiting.size) == ([], 0)
    add(waiting)
    assert numbers(waiting) == [4]


def test_only_the_first_is_confirmed() -> None:
    waiting = Waiting("me")
    first, second = add(waiting), add(waiting)
    assert waiting.size == 2 * OVERHEAD + sum(map(len, first)) + sum(map(len, second))
    waiting.confirm(second)
    assert list(waiting) == [first, second]
    waiting.confirm(first)
    assert list(waiting) == [second]
    assert waiting.size == OVERHEAD + sum(map(len, second))


def test_it_is_known_how_often_the_first_was_the_first_before() -> None:
    waiting = Waiting("me")
    assert [waiting.look(), waiting.look()] == [0, 0]
    first = add(waiting)
    assert [waiting.look(), waiting.look(), waiting.look()] == [0, 1, 2]
    add(waiting)
    waiting.confirm(first)
    assert [waiting.look(), waiting.look()] == [0, 1]


def test_it_is_late_from_when_the_first_was_the_same_until_that_is_confirmed() -> None:
    waiting = Waiting("me")
    first, _ = add(waiting), add(waiting)
    waiting.look()
    assert not waiting.is_late
    waiting.look()
    assert waiting.is_late
    waiting.confirm(first)
    assert not waiting.is_late
    waiting.look()
    waiting.look()
    waiting.clear()
    assert not waiting.is_late


def test_what_waits_takes_no_more_than_is_counted() -> None:
    waiting = Waiting("me")
    tracemalloc.start()
    try:
        replies: list[Deferred[object]] = [Deferred().addCallbacks(print, print, (add(waiting),)) for _ in range(500)]
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(replies) == 500
    assert taken <= waiting.size
