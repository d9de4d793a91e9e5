"""A bucket of events: its size, its refilling, and what it says when it is empty."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from yekta.app.budget import Budget, Rate


def takes(budget: Budget, rate: Rate, clock: Clock, times: int) -> int:
    return sum(budget.take(rate, clock) == 0 for _ in range(times))


def test_a_burst_is_served_and_no_more() -> None:
    assert takes(Budget(), Rate(1, burst=5), Clock(), 20) == 5


def test_the_time_is_asked_for_only_once_it_is_empty() -> None:
    class Watched(Clock):
        looks = 0

        def seconds(self) -> float:
            self.looks += 1
            return super().seconds()

    budget, clock = Budget(), Watched()
    assert takes(budget, Rate(1, burst=5), clock, 5) == 5
    assert clock.looks == 1


def test_it_refills_at_its_rate_up_to_the_burst() -> None:
    budget, rate, clock = Budget(), Rate(10, burst=5), Clock()
    takes(budget, rate, clock, 20)
    clock.advance(0.3)
    assert takes(budget, rate, clock, 20) == 3
    clock.advance(1000)
    assert takes(budget, rate, clock, 20) == 5


def test_it_tells_when_to_come_back_and_keeps_its_word() -> None:
    budget, rate, clock = Budget(), Rate(4, burst=1), Clock()
    assert budget.take(rate, clock) == 0
    wait = budget.take(rate, clock)
    assert wait == pytest.approx(0.25)
    clock.advance(wait)
    assert budget.take(rate, clock) == 0
    # A part of one is there already.
    clock.advance(0.125)
    assert budget.take(rate, clock) == pytest.approx(0.125)


def test_asking_in_vain_costs_nothing() -> None:
    budget, rate, clock = Budget(), Rate(1, burst=1), Clock()
    assert takes(budget, rate, clock, 100) == 1
    clock.advance(1)
    assert budget.take(rate, clock) == 0
