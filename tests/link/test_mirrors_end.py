"""What one process shows of another's answer ends as that does, and where nobody reads, or nobody is there."""

from __future__ import annotations

import pytest
from twisted.internet.defer import ensureDeferred
from twisted.logger import capturedLogs

from tests.support.forgotten import forgotten
from tests.support.mirrors import begun, outcome, resumed
from tests.support.readers import FakeReader
from tests.support.town import SARA, SILENCE, Town
from yekta.ai.provider import Kind
from yekta.app.errors import ClientError


def test_a_mirror_that_nobody_follows_is_given_up_and_the_answer_goes_on_for_a_while(town: Town) -> None:
    generation = begun(town, "half", reader=(first := FakeReader()))
    reader = resumed(town)
    first.stop_following()
    town.clock.advance(100)
    assert not generation.is_cancelled
    reader.stop_following()
    town.settle()
    assert town["b"].answers.of(SARA) == []
    assert not town["b"].others.connections
    town.clock.advance(59)
    assert not generation.is_cancelled
    town.clock.advance(2)
    assert generation.is_cancelled


@pytest.mark.parametrize("kind", Kind)
def test_a_failure_there_is_told_in_the_same_words(town: Town, kind: Kind) -> None:
    generation = begun(town, "half")
    reader, here = resumed(town), resumed(town, at="a")
    generation.fail(kind, retry_after=7)
    town.settle()
    assert reader.heard[-1] == here.heard[-1]
    assert reader.heard[-1][1]["error"] == kind.value
    late = resumed(town)
    assert late.heard[-1] == reader.heard[-1]
    assert late.texts == {"m": "half"}
    error = outcome(town, town["b"].everywhere.find(SARA, "m")).error
    assert (error.kind, error.retry_after) == (kind, 7)
    assert town.lines == []


def test_a_refusal_there_is_told_in_the_same_words(town: Town) -> None:
    generation = begun(town)
    reader = resumed(town)
    generation.done.errback(ClientError("No", "Not now.", status=503, retry_after=5))
    town.settle()
    assert reader.heard[-1] == (
        "ai:response:error",
        {"error": "Not now.", "messageId": "m", "retryable": True},
    )
    error = outcome(town, town["b"].everywhere.find(SARA, "m")).error
    assert (error.error, error.status, error.retry_after) == ("No", 503, 5)


def test_an_error_of_its_own_is_kept_to_itself(town: Town) -> None:
    generation = begun(town)
    reader = resumed(town)
    with capturedLogs() as logs:
        generation.done.errback(ZeroDivisionError("secret"))
        town.settle()
    assert reader.heard[-1][1] == {"error": "Internal error", "messageId": "m", "retryable": False}
    assert "secret" not in repr([log for log in logs if log["log_failure"].type is not ZeroDivisionError])


def test_a_process_that_dies_leaves_an_error_that_says_ask_again(town: Town) -> None:
    begun(town, "half")
    reader = resumed(town)
    town.kill("a")
    error = {"messageId": "m", "error": Kind.INTERRUPTED.value, "retryable": True}
    assert reader.heard[-1] == ("ai:response:error", error)
    town["b"].ask("m", reader := FakeReader())
    town.settle()
    town["b"].provider.generations[0].say("whole")
    assert reader.texts == {"m": "whole"}


def test_a_home_that_says_nothing_more_from_the_beginning_is_given_up(town: Town) -> None:
    begun(town, "half")
    reader = resumed(town)
    town.clock.advance(SILENCE - 1)
    assert len(reader.heard) == 1
    town.clock.advance(1)
    assert reader.heard[-1][1] == {"messageId": "m", "error": Kind.INTERRUPTED.value, "retryable": True}


def test_a_home_that_says_nothing_for_very_long_is_given_up(town: Town) -> None:
    generation = begun(town, "half")
    reader = resumed(town)
    town.clock.advance(SILENCE - 1)
    generation.say(" more")
    town.settle()
    town.clock.advance(SILENCE - 1)
    # Whoever does not read cannot tell.
    reader.is_slow = True
    generation.say(" and")
    town.settle()
    town.clock.advance(2 * SILENCE)
    reader.keep_up()
    town.clock.advance(SILENCE - 1)
    assert reader.texts == {"m": "half more and"}
    assert reader.heard[-1][0] == "ai:response:chunk"
    town.clock.advance(1)
    assert reader.heard[-1][1] == {"messageId": "m", "error": Kind.INTERRUPTED.value, "retryable": True}
    town.settle()
    assert not town["b"].others.connections


def test_a_process_that_stops_tells_those_who_read_anothers_answer_to_come_again(town: Town) -> None:
    generation = begun(town, "half")
    reader = resumed(town)
    town["b"].others.let_go()
    assert reader.heard[-1][1] == {"messageId": "m", "error": Kind.INTERRUPTED.value, "retryable": True}
    town["b"].answers.stop()
    town.settle()
    assert not generation.is_cancelled
    assert town["a"].answers.find("m", SARA) is not None


def test_a_mirror_that_is_begun_for_somebody_who_left_ends(town: Town) -> None:
    begun(town, "half")
    outcome(town, town["b"].everywhere.find(SARA, "m"))
    town.clock.advance(61)
    town.settle()
    assert not town["b"].others.connections


def test_who_leaves_while_it_is_looked_for_leaves_nothing(town: Town) -> None:
    begun(town, "half")
    looking = ensureDeferred(town["b"].everywhere.find(SARA, "m"))
    looking.addErrback(lambda _: None)
    looking.cancel()
    town.settle()
    assert not town["b"].others.connections
    assert town["b"].answers.of(SARA) == []


@pytest.mark.parametrize("end", ["complete", "failed", "cancelled", "complete before"])
def test_a_mirror_that_has_ended_goes_at_once(town: Town, end: str) -> None:
    generation = begun(town, "half")
    if end == "complete before":
        generation.finish()
    with forgotten() as expect:
        answer = outcome(town, town["b"].everywhere.find(SARA, "m"))
        expect(answer)
        reader = FakeReader()
        reader.texts["m"] = answer.text
        reader.follow(answer, reader.send, answer.seq)
        del answer
        if end == "complete":
            generation.finish()
        elif end == "failed":
            generation.fail(Kind.TIMEOUT)
        else:
            reader.stop_following()
        town.settle()
        del reader
