"""The states of a breaker, one arrow of its drawing per test."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from yekta.ai.breaker import Breaker, State


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(clock, threshold=3, cool_down=10)


@pytest.fixture
def half_open(breaker, clock):
    for _ in range(3):
        breaker.failed()
    clock.advance(10)
    assert breaker.admits()
    return breaker


def test_closed_it_admits_everybody(breaker):
    assert breaker.state is State.CLOSED
    assert all(breaker.admits() for _ in range(5))


def test_failures_in_a_row_open_it(breaker):
    breaker.failed()
    breaker.failed()
    assert breaker.admits()
    breaker.failed()
    assert breaker.state is State.OPEN
    assert not breaker.admits()


def test_a_success_starts_the_count_again(breaker):
    breaker.failed()
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    breaker.failed()
    assert breaker.state is State.CLOSED


def test_it_cools_down(breaker, clock):
    for _ in range(3):
        breaker.failed()
    clock.advance(9.9)
    assert breaker.state is State.OPEN
    clock.advance(0.1)
    assert breaker.state is State.HALF_OPEN


def test_half_open_it_admits_one_trial(half_open):
    assert not half_open.admits()


def test_a_good_trial_closes_it(half_open):
    half_open.succeeded()
    assert half_open.state is State.CLOSED
    assert half_open.admits()


def test_a_bad_trial_opens_it_for_as_long_again(half_open, clock):
    half_open.failed()
    assert half_open.state is State.OPEN
    clock.advance(10)
    assert half_open.admits()


def test_an_abandoned_trial_makes_room(half_open):
    half_open.abandoned()
    assert half_open.state is State.HALF_OPEN
    assert half_open.admits()
