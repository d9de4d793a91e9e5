"""How far each server was heard."""

from __future__ import annotations

from yekta.redis.numbers import REMEMBERED, Numbers


def test_each_word_is_the_next_or_comes_again_or_after_others_that_were_not_heard() -> None:
    numbers = Numbers()
    steps = [numbers.step("a", number) for number in (7, 8, 8, 7, 11, 12, 8, 13)]
    assert steps == [1, 1, 0, -1, 3, 1, -4, 1]


def test_each_has_its_own() -> None:
    numbers = Numbers()
    assert [numbers.step(name, number) for name, number in (("a", 5), ("b", 1), ("a", 6), ("b", 2))] == [1] * 4


def test_who_does_not_count_is_heard_always() -> None:
    numbers = Numbers()
    assert [numbers.step("node", 0) for _ in range(3)] == [1] * 3


def test_those_of_old_are_forgotten() -> None:
    numbers = Numbers()
    for number in range(10 * REMEMBERED):
        numbers.step(str(number), 1)
    assert len(numbers._last) <= REMEMBERED
    assert numbers.step("0", 1) == 1
