"""Durations are counted in classes, each with its bound in it."""

from __future__ import annotations

from yekta.durations import Durations


def test_each_class_has_those_before_it_and_its_bound() -> None:
    durations = Durations((0.5, 1.0))
    assert durations.cumulative() == [(0.5, 0), (1.0, 0), (float("inf"), 0)]
    for seconds in (0.0, 0.5, 0.75, 1.0, 1.25, 8.0):
        durations.add(seconds)
    assert durations.cumulative() == [(0.5, 2), (1.0, 4), (float("inf"), 6)]
    assert durations.total == 11.5


def test_a_clock_that_was_set_back_takes_nothing_from_what_was_counted() -> None:
    durations = Durations((0.5,))
    durations.add(2.0)
    durations.add(-1.5)
    assert (durations.cumulative(), durations.total) == ([(0.5, 1), (float("inf"), 2)], 2.0)
