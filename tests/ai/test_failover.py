"""Failover among providers that do as the test says, and once among real ones."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from tests.support.forgotten import Listener, forgotten
from tests.support.theatre import ASKED, stage
from yekta.ai.breaker import Breaker, State
from yekta.ai.failover import Failover, Retries, Route
from yekta.ai.offline import Offline
from yekta.ai.provider import Completion, IGeneration, IProvider, Kind, ProviderError

__all__ = ["stage"]


def test_interfaces(stage):
    assert verifyObject(IProvider, stage.failover)
    assert verifyObject(IGeneration, stage.generation)
    assert stage.failover.name == "first+second"


def test_the_first_answers(stage):
    stage.first.last.text("a")
    stage.first.last.text("b")
    stage.first.last.done.callback(Completion("stop"))
    assert (stage.texts, stage.result, stage.second.puppets) == (["a", "b"], Completion("stop"), [])


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.OVERLOADED])
def test_a_failure_before_the_first_text_goes_to_the_next(stage, kind):
    stage.first.last.done.errback(ProviderError(kind))
    stage.second.last.done.callback(Completion("stop"))
    assert stage.result == Completion("stop")
    assert len(stage.first.puppets) == 1


def test_a_failure_after_the_first_text_is_final(stage):
    stage.first.last.text("a")
    error = ProviderError(Kind.OVERLOADED)
    stage.first.last.done.errback(error)
    assert (stage.result, stage.second.puppets) == (error, [])


def test_if_all_fail_the_last_error_counts(stage):
    stage.first.last.done.errback(ProviderError(Kind.TIMEOUT))
    error = ProviderError(Kind.REJECTED)
    stage.second.last.done.errback(error)
    assert stage.result is error


def test_a_bug_is_not_hidden_by_the_next_provider(stage):
    stage.first.last.done.errback(KeyError(1))
    assert isinstance(stage.result, KeyError)
    assert stage.second.puppets == []


def test_without_providers():
    clock = Clock()
    generation = Failover([], clock, lambda: 0.0).generate(ASKED, lambda _: None)
    errors: list[object] = []
    generation.done.addErrback(lambda f: errors.append(f.value.kind))
    assert errors == [Kind.UNAVAILABLE]


def test_a_busy_provider_is_asked_again_and_then_the_next(stage):
    for wait in (1, 2):
        asked = len(stage.first.puppets)
        stage.first.last.done.errback(ProviderError(Kind.OVERLOADED))
        stage.clock.advance(wait - 0.01)
        assert len(stage.first.puppets) == asked
        stage.clock.advance(0.01)
        assert len(stage.first.puppets) == asked + 1
    stage.first.last.done.errback(ProviderError(Kind.OVERLOADED))
    assert len(stage.second.puppets) == 1


def test_retry_after_is_honoured(stage):
    stage.first.last.done.errback(ProviderError(Kind.OVERLOADED, retry_after=4))
    stage.clock.advance(3.9)
    assert len(stage.first.puppets) == 1
    stage.clock.advance(0.1)
    assert len(stage.first.puppets) == 2


def test_retry_after_too_long_is_not_waited_for(stage):
    stage.first.last.done.errback(ProviderError(Kind.OVERLOADED, retry_after=5.1))
    assert len(stage.second.puppets) == 1


@pytest.mark.parametrize(("random", "wait"), [(0.0, 2.0), (0.5, 2.5), (1.0, 3.0)])
def test_jitter(random, wait):
    error = ProviderError(Kind.OVERLOADED)
    assert Retries(pause=1).wait(error, 1, lambda: random) == wait


@pytest.mark.parametrize("answering", [False, True])
def test_cancel_reaches_the_provider(stage, answering):
    if answering:
        stage.first.last.text("a")
    stage.generation.cancel()
    assert stage.first.last.calls == ["cancelled"]
    # What the provider says of it has been heard, and leads to nothing.
    assert stage.first.last.done.result is None
    assert isinstance(stage.result, CancelledError)
    assert stage.second.puppets == []


def test_a_provider_may_be_waited_for_as_long_as_is_said():
    error = ProviderError(Kind.OVERLOADED, retry_after=5)
    assert Retries(longest=5).wait(error, 0, lambda: 0.0) == 5


def test_cancel_while_waiting(stage):
    stage.first.last.done.errback(ProviderError(Kind.OVERLOADED))
    stage.generation.cancel()
    assert isinstance(stage.result, CancelledError)
    assert stage.clock.getDelayedCalls() == []


def test_a_pause_holds_for_the_next_provider_too(stage):
    stage.generation.pause()
    stage.first.last.done.errback(ProviderError(Kind.TIMEOUT))
    stage.generation.resume()
    assert stage.first.last.calls == ["paused"]
    assert stage.second.last.calls == ["paused", "resumed"]


def test_a_pause_between_two_attempts_holds_for_the_second(stage):
    refused = stage.first.last
    refused.done.errback(ProviderError(Kind.OVERLOADED))
    stage.generation.pause()
    stage.generation.resume()
    stage.generation.pause()
    stage.clock.advance(1)
    assert (refused.calls, stage.first.last.calls) == ([], ["paused"])


def test_a_pause_that_is_over_holds_for_nobody(stage):
    stage.generation.pause()
    stage.generation.resume()
    stage.first.last.done.errback(ProviderError(Kind.TIMEOUT))
    assert stage.second.last.calls == []


def fail_twice(stage, kind=Kind.UNREACHABLE):
    stage.first.last.done.errback(ProviderError(kind))
    stage.ask()
    stage.first.last.done.errback(ProviderError(kind))


def test_who_keeps_failing_is_left_out(stage):
    fail_twice(stage)
    stage.ask()
    assert (len(stage.first.puppets), len(stage.second.puppets)) == (2, 3)


def test_to_fail_in_the_middle_of_an_answer_counts(stage):
    stage.first.last.text("a")
    fail_twice(stage)
    assert stage.breaker.state is State.OPEN


@pytest.mark.parametrize("kind", [Kind.REJECTED, Kind.EMPTY, Kind.TOO_LONG])
def test_one_bad_conversation_does_not_close_the_door_to_others(stage, kind):
    fail_twice(stage, kind)
    assert stage.breaker.state is State.CLOSED


def test_a_trial_that_speaks_closes_the_breaker(stage):
    fail_twice(stage)
    stage.clock.advance(30)
    stage.ask()
    assert stage.breaker.state is State.HALF_OPEN
    stage.first.last.text("a")
    assert stage.breaker.state is State.CLOSED


def test_a_trial_that_is_done_without_a_word_closes_it_too(stage):
    fail_twice(stage)
    stage.clock.advance(30)
    stage.ask()
    stage.first.last.done.callback(Completion("stop"))
    assert stage.breaker.state is State.CLOSED


@pytest.mark.parametrize("error", [KeyError(1), ProviderError(Kind.REJECTED)])
def test_a_trial_that_shows_nothing_makes_room_for_another(stage, error):
    fail_twice(stage)
    stage.clock.advance(30)
    stage.ask()
    stage.first.last.done.errback(error)
    stage.ask()
    assert len(stage.first.puppets) == 4


def test_a_cancelled_trial_makes_room_for_another(stage):
    fail_twice(stage)
    stage.clock.advance(30)
    stage.ask()
    stage.generation.cancel()
    stage.ask()
    assert len(stage.first.puppets) == 4


def test_check_wants_one_that_is_well(stage):
    answers: list[bool] = []
    for first, second in ((True, False), (False, True), (False, False)):
        stage.first.well, stage.second.well = first, second
        stage.failover.check().addCallback(answers.append)
    assert answers == [True, True, False]


def test_the_offline_words_are_marked(stage):
    clock = stage.clock
    routes = [Route(stage.first, Breaker(clock)), Route(Offline(clock), Breaker(clock))]
    stage.failover = Failover(routes, clock, lambda: 0.0)
    stage.ask()
    stage.first.last.done.errback(ProviderError(Kind.UNREACHABLE))
    clock.pump([0.05] * 10)
    assert stage.result == Completion("fallback")
    assert "not available" in "".join(stage.texts)


@pytest.mark.parametrize("end", ["complete", "failed", "cancelled"])
def test_one_that_is_over_holds_on_to_nobody(stage, end):
    with forgotten() as expect:
        expect(listener := Listener())
        generation = stage.failover.generate(ASKED, listener.hear, "en")
        puppet = stage.first.last
        puppet.text("x")
        assert listener.texts == ["x"]
        del listener
        generation.done.addErrback(lambda _: None)
        if end == "complete":
            puppet.done.callback(Completion("stop"))
        elif end == "failed":
            puppet.done.errback(ProviderError(Kind.INTERRUPTED))
        else:
            generation.cancel()
