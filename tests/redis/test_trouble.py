from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from yekta.redis.trouble import CALM, MOST, Trouble

CANNOT, CAN = "Redis (REDIS_URL) cannot be used: ", "Redis can be used again"
READER, WRITER = "reader", "writer"


@pytest.fixture
def events() -> Iterator[list[Any]]:
    with capturedLogs() as events:
        yield events


def told(events: list[Any]) -> list[str]:
    return [formatEvent(event) for event in events]


def test_what_several_find_is_told_once(events: list[Any]) -> None:
    clock = Clock()
    trouble = Trouble(clock)
    for who in (READER, WRITER, READER):
        trouble.begin(who, "lost")
    assert told(events) == [CANNOT + "lost"]
    assert clock.getDelayedCalls() == []


def test_it_is_over_when_nobody_has_had_any_for_a_while(events: list[Any]) -> None:
    clock = Clock()
    trouble = Trouble(clock)
    for who in (READER, WRITER):
        trouble.begin(who, "lost")
    trouble.end(READER)
    clock.advance(2 * CALM)
    trouble.end(WRITER)
    clock.advance(CALM - 0.1)
    assert told(events) == [CANNOT + "lost"]
    clock.advance(0.1)
    assert told(events) == [CANNOT + "lost", CAN]
    trouble.begin(READER, "lost")
    assert told(events) == [CANNOT + "lost", CAN, CANNOT + "lost"]


def test_one_that_comes_and_goes_is_one(events: list[Any]) -> None:
    clock = Clock()
    trouble = Trouble(clock)
    for _ in range(10):
        trouble.begin(WRITER, "OOM")
        trouble.end(WRITER)
        trouble.end(READER)
        clock.advance(CALM - 0.1)
    assert told(events) == [CANNOT + "OOM"]
    clock.advance(0.1)
    assert told(events) == [CANNOT + "OOM", CAN]


def test_another_reason_is_told_as_well_though_not_any_number(events: list[Any]) -> None:
    """A Redis that starts again with another password is lost first."""
    trouble = Trouble(Clock())
    for reason in ("lost", "refused", "WRONGPASS", "lost", "WRONGPASS"):
        trouble.begin(READER, reason)
    assert told(events) == [CANNOT + "lost", CANNOT + "refused", CANNOT + "WRONGPASS"]
    for number in range(2 * MOST):
        trouble.begin(READER, str(number))
    assert len(events) == MOST


def test_who_was_well_all_the_time_ends_nothing(events: list[Any]) -> None:
    clock = Clock()
    Trouble(clock).end(READER)
    assert clock.getDelayedCalls() == events == []


def test_who_is_no_more_waits_for_nothing(events: list[Any]) -> None:
    clock = Clock()
    trouble = Trouble(clock)
    for who in (READER, WRITER):
        trouble.begin(who, "lost")
        trouble.end(who)
    for who in (READER, WRITER):
        trouble.leave(who)
    assert clock.getDelayedCalls() == []
    assert told(events) == [CANNOT + "lost"]
