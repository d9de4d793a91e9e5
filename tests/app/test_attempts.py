from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from yekta.app.attempts import Attempts
from yekta.app.errors import ClientError


def test_the_sixth_attempt_in_a_quarter_of_an_hour_is_refused() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(5):
        attempts.begin("a")
        clock.advance(10.0)
    with pytest.raises(ClientError) as caught:
        attempts.begin("a")
    assert (caught.value.status, caught.value.retry_after) == (429, 850.0)
    attempts.begin("b")
    clock.advance(850.0)
    attempts.begin("a")
    with pytest.raises(ClientError):
        attempts.begin("a")


def test_success_and_attempts_that_were_not_judged_do_not_count() -> None:
    attempts = Attempts(Clock(), allowed=2)
    attempts.begin("a")
    attempts.begin("a")
    attempts.take_back("a")
    attempts.begin("a")
    attempts.succeed("a")
    attempts.take_back("a")
    attempts.begin("a")
    attempts.begin("a")
    with pytest.raises(ClientError):
        attempts.begin("a")


def test_the_table_is_limited() -> None:
    attempts = Attempts(Clock(), allowed=1, names=2)
    for name in "abc":
        attempts.begin(name)
    attempts.begin("a")
    with pytest.raises(ClientError):
        attempts.begin("c")


def test_however_many_are_guessed_at_those_at_their_limit_are_not_forgotten() -> None:
    clock = Clock()
    attempts = Attempts(clock, allowed=2, names=2)
    attempts.begin("a")
    attempts.begin("a")
    for number in range(10):
        attempts.begin(str(number))
    with pytest.raises(ClientError):
        attempts.begin("a")
    clock.advance(900.0)
    attempts.begin("a")


def test_an_attempt_that_was_not_judged_leaves_nothing_behind() -> None:
    attempts = Attempts(Clock(), allowed=2, names=4)
    attempts.begin("a")
    for number in range(10):
        attempts.begin(str(number))
        attempts.take_back(str(number))
    attempts.begin("a")
    with pytest.raises(ClientError):
        attempts.begin("a")


def test_those_that_were_judged_before_stay() -> None:
    """Or whoever hangs up now and then could go on guessing."""
    attempts = Attempts(Clock(), allowed=3)
    for _ in range(3):
        attempts.begin("a")
    attempts.take_back("a")
    attempts.begin("a")
    with pytest.raises(ClientError):
        attempts.begin("a")
