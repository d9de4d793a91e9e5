"""What has been heard of each server, by numbers."""

from __future__ import annotations

import pytest

from yekta.socketio.progress import REMEMBERED, Heard, Progress


@pytest.fixture
def progress() -> Progress:
    progress = Progress("me")
    progress.came("a", 3)
    progress.came("b", 0)
    return progress


def test_each_server_has_a_number_and_so_have_we(progress: Progress) -> None:
    assert [progress.next(), progress.next()] == [1, 2]
    assert progress.heard("a", 4)
    assert progress.now() == Heard({"a": 4, "b": 0, "me": 2})
    assert (progress.others, progress.knows("a"), progress.knows("c")) == (("a", "b"), True, False)


@pytest.mark.parametrize("number", [3, 2])
def test_what_was_heard_before_is_nothing_new(progress: Progress, number: int) -> None:
    assert not progress.heard("a", number)
    assert progress.now().of("a") == 3


def test_who_is_there_changes_nothing_by_saying_so_again(progress: Progress) -> None:
    breaks = progress.breaks
    assert not progress.came("a", 9)
    assert (progress.breaks, progress.now().of("a")) == (breaks, 3)


@pytest.mark.parametrize(("number", "missed"), [(3, False), (4, True), (2, True)])
def test_who_comes_again_says_whether_something_was_missed(progress: Progress, number: int, missed: bool) -> None:
    breaks = progress.breaks
    progress.went("a")
    assert progress.breaks == breaks + 1
    assert progress.now() == Heard({"b": 0, "me": 0}, {"a": 3})
    assert progress.came("a", number) is missed
    assert progress.breaks == breaks + 2
    assert progress.now() == Heard({"a": number, "b": 0, "me": 0})


def test_of_whom_nobody_has_heard_nobody_misses_anything(progress: Progress) -> None:
    breaks = progress.breaks
    progress.went("c")
    assert (progress.breaks, progress.now().of("c")) == (breaks, None)
    assert not progress.came("c", 5)


def test_so_many_that_are_gone_are_remembered_the_latest(progress: Progress) -> None:
    for number in range(REMEMBERED + 1):
        progress.came(str(number), number)
        progress.went(str(number))
    assert list(progress.now().gone) == [str(number) for number in range(1, REMEMBERED + 1)]


@pytest.mark.parametrize(
    ("heard", "reached"),
    [
        ({}, True),
        ({"a": 3, "b": 0, "me": 0}, True),
        ({"a": 4}, None),
        ({"gone": 7}, True),
        ({"gone": 8}, False),
        ({"unknown": 0}, False),
        ({"a": 4, "unknown": 0}, False),
    ],
)
def test_whether_as_much_has_been_heard_here_may_come_or_not(
    progress: Progress, heard: dict[str, int], reached: bool | None
) -> None:
    progress.came("gone", 7)
    progress.went("gone")
    assert progress.reached(Heard(heard)) is reached


def test_who_waits_is_asked_whenever_more_is_heard_until_it_has_enough(progress: Progress) -> None:
    asked: list[int] = []

    def look(enough: int) -> bool:
        asked.append(enough)
        return progress.now().of("a") == enough

    progress.wait(lambda: look(3))
    assert asked == [3]
    progress.wait(lambda: look(5))
    progress.heard("a", 4)
    progress.tell()
    progress.heard("a", 5)
    progress.tell()
    progress.tell()
    assert asked == [3, 5, 5, 5]


def test_of_one_that_is_gone_and_may_have_said_more_nothing_can_be_told(progress: Progress) -> None:
    progress.came("a", 3)
    progress.doubt("a")
    assert progress.reached(Heard({"a": 3})) is True
    progress.went("a")
    progress.doubt("a")
    progress.doubt("nobody")
    assert progress.reached(Heard({"a": 0})) is False
    assert progress.now().of("nobody") is None
    # What it said meanwhile may have been lost, or not.
    assert progress.came("a", 3)
