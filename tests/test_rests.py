from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from tests.support.clocks import BusyClock
from yekta.rests import TURN, Rests


class Told:
    """Rests once more for as long as it has something ``left``."""

    def __init__(self, rests: Rests, left: int, said: list[str], name: str) -> None:
        self._rests, self._left, self._said, self._name = rests, left, said, name

    def go_on(self) -> None:
        self._said.append(self._name)
        self._left -= 1
        if self._left:
            self._rests.add(self)


class Broken:
    def go_on(self) -> None:
        raise ValueError("broken")


def test_a_turn_is_over_after_its_time(clock: Clock) -> None:
    rests = Rests(clock)
    rests.begin()
    assert not rests.due
    clock.advance(TURN / 2)
    assert not rests.due
    clock.advance(TURN / 2)
    assert rests.due
    rests.begin()
    assert not rests.due


def test_it_is_crowded_for_a_turn_where_one_was_longer(clock: Clock) -> None:
    rests = Rests(clock)
    rests.begin()
    clock.advance(TURN / 2)
    rests.end()
    assert not rests.crowded
    rests.begin()
    clock.advance(3 * TURN)
    rests.end()
    assert rests.crowded
    clock.advance(TURN / 2)
    assert rests.crowded
    clock.advance(TURN)
    assert not rests.crowded


def test_each_goes_on_when_all_others_have(clock: Clock) -> None:
    rests, said = Rests(clock), list[str]()
    for name in "abc":
        rests.add(told := Told(rests, 2, said, name))
        rests.add(told)
        assert told in rests
        assert rests.crowded
    clock.advance(0)
    assert "".join(said) == "abcabc"
    assert told not in rests
    assert not rests.crowded


@pytest.mark.parametrize("names", ["a", "ab"])
def test_the_first_goes_on_once_all_others_were_looked_at(names: str) -> None:
    """What is set while sockets are read comes before they are read again: with it, the first had two turns at once."""
    clock, said = BusyClock(0.0), list[str]()
    rests = Rests(clock)
    for name in names:
        rests.add(Told(rests, 2, said, name))
    order = names * 2
    for heard in range(len(order) + 1):
        clock.advance(0)
        assert "".join(said) == order[:heard]
    assert not clock.getDelayedCalls()


def test_who_fails_keeps_nobody_from_going_on() -> None:
    clock, said = BusyClock(0.0), list[str]()
    rests = Rests(clock)
    rests.add(Broken())
    for name in "ab":
        rests.add(Told(rests, 1, said, name))
    clock.advance(0)
    with pytest.raises(ValueError, match="broken"):
        clock.advance(0)
    for _ in "ab":
        clock.advance(0)
    assert said == ["a", "b"]
