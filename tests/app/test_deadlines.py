from __future__ import annotations

from collections import Counter

import pytest

from tests.support.clocks import TwoClocks
from yekta.app.deadlines import LOOK, NEAR, SLACK, Deadlines


class Watched:
    def __init__(self) -> None:
        self.clock = TwoClocks()
        self.due: list[str] = []
        self.deadlines = Deadlines(self.clock, self.due.append)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_each_key_is_due_once_in_order_with_one_delayed_call(watched: Watched) -> None:
    for key, time in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
        watched.deadlines.set(key, time)
        assert len(watched.clock.getDelayedCalls()) == 1
    watched.clock.advance(1.0)
    assert watched.due == ["a"]
    watched.clock.advance(5.0)
    assert watched.due == ["a", "b", "c"]
    assert watched.clock.getDelayedCalls() == []


def test_a_time_that_has_passed_is_due_next_turn(watched: Watched) -> None:
    watched.clock.advance(10.0)
    watched.deadlines.set("a", 3.0)
    assert watched.due == []
    watched.clock.advance(0.0)
    assert watched.due == ["a"]


def test_the_last_time_set_counts(watched: Watched) -> None:
    watched.deadlines.set("sooner", 9.0)
    watched.deadlines.set("sooner", 1.0)
    watched.deadlines.set("later", 1.0)
    watched.deadlines.set("later", 9.0)
    watched.clock.advance(1.0)
    assert watched.due == ["sooner"]
    watched.clock.advance(8.0)
    assert watched.due == ["sooner", "later"]


def test_what_is_discarded_is_never_due_and_leaves_no_call(watched: Watched) -> None:
    watched.deadlines.set("a", 1.0)
    watched.deadlines.set("b", 2.0)
    watched.deadlines.discard("a")
    watched.deadlines.discard("unknown")
    watched.clock.advance(1.5)
    assert watched.due == []
    watched.deadlines.discard("b")
    assert watched.clock.getDelayedCalls() == []


def test_coming_and_going_does_not_make_it_grow(watched: Watched) -> None:
    watched.deadlines.set("stays", NEAR - 1)
    for number in range(1000):
        watched.deadlines.set(str(number), NEAR - 2)
        watched.deadlines.discard(str(number))
    assert len(watched.deadlines._heap) <= SLACK + 4
    watched.clock.advance(NEAR - 1)
    assert watched.due == ["stays"]


def test_one_more_is_not_dearer_where_there_are_many(watched: Watched) -> None:
    comparisons = Counter[str]()

    class Moment(float):
        def __lt__(self, other: float) -> bool:
            comparisons["all"] += 1
            return float(self) < float(other)

    for number in range(1000):
        watched.deadlines.set(str(number), Moment(number))
    watched.clock.pump([1.0] * 1000)
    assert len(watched.due) == 1000
    assert comparisons["all"] < 1000 * 40


def test_what_is_far_takes_no_place_until_it_is_near(watched: Watched) -> None:
    watched.deadlines.set("far", 3.5 * NEAR)
    watched.deadlines.set("near", 0.5 * NEAR)
    assert len(watched.deadlines._heap) == 1
    watched.clock.pump([0.5 * NEAR] * 6)
    assert watched.due == ["near"]
    assert len(watched.clock.getDelayedCalls()) == 1
    watched.clock.advance(0.5 * NEAR - 1)
    assert watched.due == ["near"]
    watched.clock.advance(1)
    assert watched.due == ["near", "far"]
    assert watched.clock.getDelayedCalls() == []


def test_what_is_far_is_due_though_all_others_have_gone_before_it_came(watched: Watched) -> None:
    watched.deadlines.set("gone", 2 * NEAR)
    watched.deadlines.discard("gone")
    watched.deadlines.set("far", 2 * NEAR)
    watched.clock.pump([0.5 * NEAR] * 4)
    assert watched.due == ["far"]


def test_the_horizon_moves_while_somebody_waits(watched: Watched) -> None:
    watched.deadlines.set("far", 10 * NEAR)
    watched.clock.advance(NEAR / 2)
    watched.deadlines.set("soon", NEAR + 1)
    watched.clock.advance(NEAR / 2 + 1)
    assert watched.due == ["soon"]
    watched.deadlines.discard("far")
    assert watched.clock.getDelayedCalls() == []


def test_what_was_set_out_of_order_is_due_in_order_once_it_is_near(watched: Watched) -> None:
    for number in (5, 2, 4, 1, 3):
        watched.deadlines.set(str(number), 2 * NEAR + number)
    watched.clock.pump([NEAR, NEAR])
    for number in range(1, 6):
        watched.clock.advance(1)
        assert watched.due == list(map(str, range(1, number + 1)))


def test_what_was_forgotten_with_all_others_is_never_due(watched: Watched) -> None:
    watched.deadlines.set("a", 1.0)
    watched.deadlines.set("b", 2 * NEAR)
    watched.deadlines.clear()
    watched.deadlines.set("c", 3 * NEAR)
    watched.clock.pump([NEAR] * 3)
    assert watched.due == ["c"]


def test_nobody_wakes_for_what_was_forgotten(watched: Watched) -> None:
    watched.deadlines.set("a", 1.0)
    watched.deadlines.discard("a")
    watched.deadlines.set("b", 2.0)
    [call] = watched.clock.getDelayedCalls()
    assert call.getTime() == 2.0
    watched.deadlines.clear()


def test_a_key_may_be_set_while_another_falls_due(watched: Watched) -> None:
    deadlines = Deadlines(watched.clock, lambda key: deadlines.set("next", 2.0) if key == "a" else None)
    deadlines.set("a", 1.0)
    watched.clock.advance(1.0)
    assert len(watched.clock.getDelayedCalls()) == 1
    deadlines.clear()
    assert watched.clock.getDelayedCalls() == []


def test_a_clock_that_is_set_forward_is_noticed_within_a_minute(watched: Watched) -> None:
    for key, time in (("near", 0.5 * NEAR), ("far", 3 * NEAR)):
        watched.deadlines.set(key, time)
    watched.clock.advance(1.0)
    watched.clock.ahead = 0.5 * NEAR
    watched.clock.advance(60.0)
    assert watched.due == ["near"]
    watched.clock.ahead = 9 * NEAR
    watched.clock.pump([60.0, 0.0])
    assert watched.due == ["near", "far"]
    assert watched.clock.getDelayedCalls() == []


def test_where_it_is_set_back_nothing_is_due_early(watched: Watched) -> None:
    watched.deadlines.set("a", NEAR)
    watched.clock.advance(NEAR - 1)
    watched.clock.ahead = -2 * NEAR
    watched.deadlines.set("b", -NEAR + 9)
    watched.clock.pump([1.0] * 9)
    assert watched.due == []
    watched.clock.advance(1.0)
    assert watched.due == ["b"]
    watched.clock.pump([LOOK] * int(2 * NEAR / LOOK))
    assert watched.due == ["b", "a"]
