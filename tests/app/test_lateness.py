"""How late the reactor is: looked at each second, while the service runs."""

from __future__ import annotations

from twisted.internet.task import Clock

from yekta.app.lateness import Lateness


def counts(lateness: Lateness) -> dict[float, int]:
    return dict(lateness.durations.cumulative())


def test_a_reactor_in_time_is_never_late() -> None:
    clock = Clock()
    lateness = Lateness(clock)
    lateness.startService()
    clock.pump([1.0] * 5)
    assert counts(lateness)[0.001] == counts(lateness)[float("inf")] == 5


def test_what_holds_up_the_reactor_is_seen_once() -> None:
    clock = Clock()
    lateness = Lateness(clock)
    lateness.startService()
    clock.advance(1.3)
    clock.pump([1.0] * 2)
    told = counts(lateness)
    assert (told[0.25], told[0.5], told[float("inf")]) == (2, 3, 3)


def test_a_clock_that_was_set_back_is_not_early() -> None:
    clock = Clock()
    lateness = Lateness(clock)
    lateness.startService()
    [call] = clock.getDelayedCalls()
    call.reset(0.5)
    clock.advance(0.5)
    assert lateness.durations.total == 0
    assert counts(lateness)[0.001] == 1


def test_nothing_is_left_of_it_once_it_has_stopped() -> None:
    clock = Clock()
    lateness = Lateness(clock)
    lateness.startService()
    lateness.stopService()
    assert clock.getDelayedCalls() == []
