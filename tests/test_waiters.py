"""Several who wait for one thing."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred

from yekta.waiters import Waiters


class Waiting:
    """``names`` wait; ``told``: who was told what, in this order."""

    def __init__(self, names: str) -> None:
        self.waiters: Waiters[int] = Waiters()
        self.told: list[tuple[str, object]] = []
        self.each: dict[str, Deferred[int]] = {}
        for name in names:
            self.begin(name)

    def begin(self, name: str) -> None:
        waiter = self.each[name] = self.waiters.wait()
        waiter.addCallbacks(lambda value: self.told.append((name, value)), lambda failure: self._failed(name, failure))

    def _failed(self, name: str, failure: object) -> None:
        self.told.append((name, type(failure.value)))  # type: ignore[attr-defined]


def test_all_are_told_once_and_in_their_order() -> None:
    waiting = Waiting("ab")
    waiting.waiters.tell(7)
    waiting.waiters.tell(8)
    assert waiting.told == [("a", 7), ("b", 7)]
    assert len(waiting.waiters) == 0


def test_all_fail_alike() -> None:
    waiting = Waiting("ab")
    waiting.waiters.fail(KeyError())
    assert waiting.told == [("a", KeyError), ("b", KeyError)]


def test_whoever_gives_up_takes_it_from_nobody_else() -> None:
    waiting = Waiting("abc")
    waiting.each["b"].cancel()
    assert len(waiting.waiters) == 2
    waiting.waiters.tell(7)
    assert waiting.told == [("b", CancelledError), ("a", 7), ("c", 7)]


@pytest.mark.parametrize("name", ["b", "c"])
def test_one_may_give_up_while_the_one_before_is_told(name: str) -> None:
    waiting = Waiting("abc")
    waiting.each["a"].addCallback(lambda _: waiting.each[name].cancel())
    waiting.waiters.tell(7)
    assert sorted(waiting.told, key=str) == sorted(
        [("a", 7), (name, CancelledError), ("c" if name == "b" else "b", 7)], key=str
    )


def test_whoever_begins_to_wait_meanwhile_waits_for_the_next_time() -> None:
    waiting = Waiting("a")
    waiting.each["a"].addCallback(lambda _: waiting.begin("late"))
    waiting.waiters.tell(7)
    assert waiting.told == [("a", 7)]
    waiting.waiters.tell(8)
    assert waiting.told == [("a", 7), ("late", 8)]
