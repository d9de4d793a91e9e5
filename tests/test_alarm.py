"""The alarm, by the clock."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from tests.support.forgotten import forgotten
from yekta.alarm import Alarm


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def rings():
    return []


@pytest.fixture
def alarm(clock, rings):
    return Alarm(clock, lambda: rings.append(clock.seconds()))


def test_it_rings_once(alarm, clock, rings):
    alarm.set(2)
    clock.pump([1] * 5)
    assert rings == [2]


@pytest.mark.parametrize("seconds", [1, 5])
def test_set_again_it_rings_only_then(alarm, clock, rings, seconds):
    alarm.set(3)
    clock.advance(1)
    alarm.set(seconds)
    clock.pump([1] * 6)
    assert rings == [1 + seconds]


def test_it_can_be_set_after_it_rang(alarm, clock, rings):
    alarm.set(1)
    clock.advance(1)
    alarm.set(1)
    clock.advance(1)
    assert rings == [1, 2]


def test_cleared_it_is_silent_and_leaves_nothing(alarm, clock, rings):
    alarm.clear()
    alarm.set(1)
    alarm.clear()
    assert clock.getDelayedCalls() == []
    alarm.clear()
    assert rings == []


def test_it_can_be_cleared_after_it_rang(alarm, clock, rings):
    alarm.set(1)
    clock.advance(1)
    alarm.clear()
    assert rings == [1]


def test_one_that_has_ended_neither_rings_nor_knows_its_owner(clock):
    class Owner:
        def __init__(self):
            self.alarm = Alarm(clock, self.ring)
            self.alarm.set(2)

        def ring(self):
            raise AssertionError

    with forgotten() as expect:
        owner = Owner()
        expect(owner)
        owner.alarm.end()
        owner.alarm.set(2)
        clock.advance(2)
        del owner
