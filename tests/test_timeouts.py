from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from twisted.internet.task import Clock

from yekta.timeouts import GRAIN, Timeouts


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    yield clock
    assert clock.getDelayedCalls() == []


@pytest.fixture
def ended() -> list[tuple[str, float]]:
    return []


@pytest.fixture
def timeouts(clock: Clock, ended: list[tuple[str, float]]) -> Timeouts[str]:
    return Timeouts(clock, 10.0, lambda key: ended.append((key, clock.seconds())))


def test_each_wait_ends_after_its_duration(
    timeouts: Timeouts[str], clock: Clock, ended: list[tuple[str, float]]
) -> None:
    timeouts.start("a")
    clock.advance(1)
    timeouts.start("b")
    clock.advance(8.9)
    assert ended == []
    clock.pump([0.1, 1])
    assert ended == [("a", 10), ("b", 11)]


def test_one_that_begins_to_wait_when_all_have_ended_is_waited_for(
    timeouts: Timeouts[str], clock: Clock, ended: list[tuple[str, float]]
) -> None:
    for key in "ab":
        timeouts.start(key)
        clock.advance(10)
    assert ended == [("a", 10), ("b", 20)]


def test_starting_again_starts_anew(timeouts: Timeouts[str], clock: Clock, ended: list[tuple[str, float]]) -> None:
    timeouts.start("a")
    clock.advance(6)
    timeouts.start("a")
    assert len(timeouts) == 1
    clock.pump([4, 5.9])
    assert ended == []
    clock.advance(0.1 + GRAIN)
    assert [key for key, _ in ended] == ["a"]


def test_one_that_starts_again_before_its_end_delays_nobody(
    timeouts: Timeouts[str], clock: Clock, ended: list[tuple[str, float]]
) -> None:
    timeouts.start("a")
    clock.advance(1)
    timeouts.start("b")
    clock.advance(5)
    timeouts.start("a")
    clock.pump([4, 1, 5])
    assert ended == [("b", 11), ("a", 16)]


def test_a_stopped_wait_does_not_end(timeouts: Timeouts[str], clock: Clock, ended: list[tuple[str, float]]) -> None:
    timeouts.start("a")
    timeouts.start("b")
    timeouts.stop("a")
    timeouts.stop("nobody")
    assert "a" not in timeouts
    assert "b" in timeouts
    clock.advance(10)
    assert ended == [("b", 10)]


def test_no_delayed_call_is_left_while_nothing_waits(timeouts: Timeouts[str], clock: Clock) -> None:
    timeouts.start("a")
    timeouts.start("b")
    assert len(clock.getDelayedCalls()) == 1
    timeouts.stop("a")
    timeouts.stop("b")
    assert clock.getDelayedCalls() == []
    timeouts.start("c")
    timeouts.clear()
    assert len(timeouts) == 0


def test_waits_that_end_close_together_cost_one_wake_up(
    timeouts: Timeouts[str], clock: Clock, ended: list[tuple[str, float]]
) -> None:
    for number in range(100):
        timeouts.start(str(number))
        clock.advance(GRAIN / 200)
    clock.advance(10 - GRAIN / 2)
    assert len(ended) == 1
    clock.advance(GRAIN)
    assert len(ended) == 100


def test_one_that_starts_again_when_it_ends_delays_nobody(clock: Clock) -> None:
    ended: list[tuple[str, float]] = []

    def again(key: str) -> None:
        ended.append((key, clock.seconds()))
        if key == "a":
            waits.start(key)

    waits: Timeouts[str] = Timeouts(clock, 10.0, again)
    waits.start("a")
    clock.advance(1)
    waits.start("b")
    clock.pump([9, 1])
    assert ended == [("a", 10), ("b", 11)]
    waits.clear()


def test_one_stopped_by_another_that_ends_in_the_same_moment_does_not_end(clock: Clock) -> None:
    ended: list[str] = []

    def stop_b(key: str) -> None:
        ended.append(key)
        waits.stop("b")

    waits: Timeouts[str] = Timeouts(clock, 10.0, stop_b)
    waits.start("a")
    waits.start("b")
    clock.advance(10)
    assert ended == ["a"]


def test_one_started_again_by_another_that_ends_in_the_same_moment_waits_anew(clock: Clock) -> None:
    ended: list[tuple[str, float]] = []

    def restart_b(key: str) -> None:
        ended.append((key, clock.seconds()))
        if key == "a":
            waits.start("b")

    waits: Timeouts[str] = Timeouts(clock, 10.0, restart_b)
    waits.start("a")
    waits.start("b")
    clock.pump([10, 10])
    assert ended == [("a", 10), ("b", 20)]


def test_clearing_from_within_stops_the_others(clock: Clock) -> None:
    ended: list[str] = []

    def clear(key: str) -> None:
        ended.append(key)
        waits.clear()

    waits: Timeouts[str] = Timeouts(clock, 10.0, clear)
    waits.start("a")
    waits.start("b")
    clock.advance(10)
    assert ended == ["a"]


def test_one_that_raises_does_not_keep_the_others_waiting(clock: Clock) -> None:
    ended: list[str] = []

    def fail_for_a(key: str) -> None:
        if key == "a":
            raise RuntimeError
        ended.append(key)

    waits: Timeouts[str] = Timeouts(clock, 10.0, fail_for_a)
    for key in "abc":
        waits.start(key)
    with pytest.raises(RuntimeError):
        clock.advance(10)
    clock.advance(GRAIN)
    assert ended == ["b", "c"]


def test_all_that_wait_by_one_clock_share_a_delayed_call(clock: Clock, ended: list[tuple[str, float]]) -> None:
    def waits(duration: float) -> Timeouts[str]:
        return Timeouts(clock, duration, lambda key: ended.append((key, clock.seconds())))

    long, short = waits(10.0), waits(2.0)
    long.start("long")
    short.start("short")
    assert len(clock.getDelayedCalls()) == 1
    clock.pump([2, 8])
    assert ended == [("short", 2), ("long", 10)]


def test_what_is_stopped_before_it_is_due_ends_nothing_else_early(
    clock: Clock, ended: list[tuple[str, float]]
) -> None:
    long = Timeouts[str](clock, 10.0, lambda key: ended.append((key, clock.seconds())))
    short = Timeouts[str](clock, 2.0, lambda key: ended.append((key, clock.seconds())))
    long.start("long")
    short.start("short")
    short.stop("short")
    clock.pump([2, 7.9])
    assert ended == []
    assert len(clock.getDelayedCalls()) == 1
    clock.advance(0.1)
    assert ended == [("long", 10)]


def test_what_one_that_ends_begins_among_others_is_waited_for(clock: Clock, ended: list[tuple[str, float]]) -> None:
    short = Timeouts[str](clock, 2.0, lambda key: ended.append((key, clock.seconds())))
    long = Timeouts[str](clock, 10.0, short.start)
    long.start("begun late")
    clock.pump([10, 2])
    assert ended == [("begun late", 12)]


def test_one_that_raises_does_not_keep_those_of_another_length_waiting(
    clock: Clock, ended: list[tuple[str, float]]
) -> None:
    def fail(key: str) -> None:
        raise RuntimeError

    failing = Timeouts[str](clock, 2.0, fail)
    other = Timeouts[str](clock, 3.0, lambda key: ended.append((key, clock.seconds())))
    failing.start("a")
    other.start("b")
    with pytest.raises(RuntimeError):
        clock.advance(2)
    clock.advance(1)
    assert ended == [("b", 3)]


def test_a_clock_that_nobody_waits_by_is_forgotten() -> None:
    clock = Clock()
    waits: Timeouts[str] = Timeouts(clock, 10.0, lambda key: None)
    waits.start("a")
    waits.clear()
    forgotten = weakref.ref(clock)
    del clock, waits
    gc.collect()
    assert forgotten() is None
