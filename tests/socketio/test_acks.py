"""Acknowledgements that a client owes the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from yekta.socketio.acks import Acks, TooManyAcks, value_of
from yekta.socketio.errors import AckTimeout, Disconnected


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    yield clock
    assert clock.getDelayedCalls() == []


@pytest.fixture
def acks(clock: Clock) -> Iterator[Acks]:
    acks = Acks(clock, most=3)
    yield acks
    assert len(acks) == 0


def outcome(deferred: Deferred[Any]) -> Any:
    """What it fired with, the class of its failure, or ``...``: it has not fired."""
    results: list[Any] = [...]

    def failed(failure: Failure) -> None:
        results.append(failure.type)

    deferred.addCallbacks(results.append, failed)
    return results[-1]


ANSWERS: list[tuple[list[Any], Any]] = [
    ([], None),
    ([None], None),
    ([1], 1),
    ([[]], []),
    ([[1, 2]], [1, 2]),
    ([1, 2], [1, 2]),
    ([None, None], [None, None]),
    ([b"x"], b"x"),
    ([False], False),
]


@pytest.mark.parametrize(("args", "value"), ANSWERS)
def test_an_answer_is_nothing_one_value_or_a_list(acks: Acks, args: list[Any], value: Any) -> None:
    assert value_of(args) == value
    answer = acks.wait(1, None)
    acks.received(1, args)
    assert outcome(answer) == value


def test_answers_find_their_questions_in_any_order(acks: Acks) -> None:
    first, second = acks.wait(1, None), acks.wait(2, None)
    acks.received(2, ["b"])
    assert outcome(second) == "b"
    assert outcome(first) is ...
    acks.received(1, ["a"])
    # The first was asked about before: its results are in its chain by now.
    assert first.called


def test_only_the_first_answer_counts(acks: Acks) -> None:
    answer = acks.wait(1, 5)
    acks.received(1, ["a"])
    acks.received(1, ["b"])
    assert outcome(answer) == "a"


@pytest.mark.parametrize("number", [0, 2, 2**53])
def test_what_nobody_asked_is_ignored(acks: Acks, number: int) -> None:
    answer = acks.wait(1, None)
    acks.received(number, ["a"])
    assert not answer.called
    acks.received(1, [])


def test_an_answer_that_comes_too_late_is_ignored(acks: Acks, clock: Clock) -> None:
    answer = acks.wait(1, 5)
    clock.advance(4.9)
    assert not answer.called
    clock.advance(0.1)
    acks.received(1, ["late"])
    assert outcome(answer) is AckTimeout


@pytest.mark.parametrize("timeout", [None, 5])
def test_whoever_waits_is_told_that_the_client_went_away(acks: Acks, timeout: float | None) -> None:
    answer = acks.wait(1, timeout)
    acks.close()
    assert outcome(answer) is Disconnected


@pytest.mark.parametrize("timeout", [None, 5])
def test_waiting_can_be_cancelled(acks: Acks, timeout: float | None) -> None:
    answer = acks.wait(1, timeout)
    answer.cancel()
    assert outcome(answer) is CancelledError
    acks.received(1, ["late"])


def test_a_client_may_owe_so_many_answers_and_no_more(acks: Acks) -> None:
    answers = [acks.wait(number, None) for number in range(3)]
    with pytest.raises(TooManyAcks):
        acks.wait(3, None)
    acks.received(0, [])
    answers.append(acks.wait(3, None))
    acks.close()
    assert [outcome(answer) for answer in answers] == [None, Disconnected, Disconnected, Disconnected]


def test_a_question_that_is_given_up_makes_room(acks: Acks, clock: Clock) -> None:
    late, cancelled = acks.wait(1, 5), acks.wait(2, None)
    clock.advance(5)
    assert len(acks) == 1
    cancelled.cancel()
    assert len(acks) == 0
    assert (outcome(late), outcome(cancelled)) == (AckTimeout, CancelledError)


def test_one_too_many_with_a_timeout_leaves_no_timer(acks: Acks) -> None:
    answers = [acks.wait(number, None) for number in range(3)]
    with pytest.raises(TooManyAcks):
        acks.wait(3, 5)
    acks.close()
    assert [outcome(answer) for answer in answers] == [Disconnected] * 3


def test_a_new_question_asked_while_all_are_told_of_the_end_does_not_upset_them(acks: Acks) -> None:
    told: list[Any] = []

    def ask_again(args: list[Any] | None) -> None:
        told.append(args)
        acks.received(2, ["too late"])

    other: Callable[[list[Any] | None], None] = told.append
    acks.call(1, ask_again)
    acks.call(2, other)
    acks.close()
    assert told == [None, None]


def test_a_question_given_up_while_all_are_told_of_the_end_does_not_upset_them(acks: Acks) -> None:
    first, second, third = (acks.wait(number, None) for number in range(3))
    first.addErrback(lambda failure: second.cancel())
    acks.close()
    assert [outcome(answer) for answer in (first, second, third)] == [None, CancelledError, Disconnected]
