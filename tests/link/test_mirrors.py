"""What one process has and another shows: all of it, with its numbers, for as long as somebody reads."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, ensureDeferred

from tests.support.mirrors import begun, outcome, resumed
from tests.support.readers import FakeReader
from tests.support.town import FULL, SARA, Town
from yekta.ai.provider import Kind
from yekta.app.answer import Answer, State
from yekta.app.errors import ClientError
from yekta.app.owner import Owner

TEXTS = ("سلام", " ", "🌱 دنیا", "\n", "!")
WHOLE = "".join(TEXTS)

OMID = Owner("omid")
PHONE, LAPTOP = Owner("phone", "u1"), Owner("laptop", "u1")


@pytest.mark.parametrize("seq", range(-1, len(TEXTS)))
@pytest.mark.parametrize("said", range(len(TEXTS) + 1))
def test_resumed_there_after_any_chunk_at_any_time(town: Town, seq: int, said: int) -> None:
    generation = begun(town, *TEXTS[:said])
    reader = resumed(town, seq)
    had = min(seq + 1, said)
    offset = len("".join(TEXTS[:had]))
    replay = {"messageId": "m", "chunk": "".join(TEXTS[had:said]), "seq": said - 1, "offset": offset, "replay": True}
    assert reader.heard == ([("ai:response:chunk", replay)] if had < said else [])
    for number, text in enumerate(TEXTS[said:], said):
        generation.say(text)
        town.settle()
        chunk = {"messageId": "m", "chunk": text, "seq": number, "offset": len("".join(TEXTS[:number]))}
        assert reader.heard[-1] == ("ai:response:chunk", chunk)
    generation.finish("length")
    town.settle()
    end = {"messageId": "m", "fullResponse": WHOLE, "finishReason": "length"}
    assert reader.heard[-1] == ("ai:response:complete", end)
    assert reader.texts["m"] == WHOLE
    assert town["b"].answers.of(SARA) == []


def test_what_is_merged_on_the_way_keeps_its_numbers(town: Town) -> None:
    generation = begun(town)
    reader, late = resumed(town), FakeReader()
    for text in TEXTS:
        generation.say(text)
    town.settle()
    late.texts["m"] = "".join(TEXTS[:2])
    late.follow(town["b"].answers.find("m", SARA), late.send, 1, replay=True)
    assert late.heard[0][1] == {**late.heard[0][1], "seq": 4, "offset": 5, "chunk": "".join(TEXTS[2:])}
    assert reader.texts == late.texts == {"m": WHOLE}
    generation.finish()


def test_a_reader_that_does_not_keep_up_holds_the_provider_of_the_other_process_back() -> None:
    town = Town("a", "b")
    generation = begun(town, reader=(first := FakeReader()))
    reader = resumed(town)
    first.stop_following()
    reader.is_slow = True
    generation.say("x" * FULL)
    town.settle()
    # It waits on the line, and so does what follows at its home.
    generation.say("y")
    generation.say("z" * FULL)
    generation.say("w")
    town.settle()
    generation.say("v")
    assert generation.flow[-1:] == ["pause"]
    assert len(reader.heard) < 2
    reader.keep_up()
    town.settle()
    generation.finish()
    town.settle()
    assert generation.flow[-1:] == ["resume"]
    assert reader.texts["m"] == "x" * FULL + "y" + "z" * FULL + "wv"
    assert reader.heard[-1][0] == "ai:response:complete"
    town.close()


def test_a_mirror_costs_nothing_of_what_answers_may(town: Town) -> None:
    generation = begun(town, "half")
    resumed(town)
    assert (town["a"].answers.running, town["b"].answers.running) == (1, 0)
    for number in range(4):
        town["b"].ask(f"own {number}")
    town.settle()
    assert town["b"].answers.running == 4
    generation.finish()
    town.settle()
    assert town["b"].answers.running == 4


def test_only_ones_own_are_found_there(town: Town) -> None:
    begun(town, "half", owner=PHONE)
    for owner in (SARA, OMID, Owner("laptop"), Owner("phone2", "u2")):
        for work in (town["b"].everywhere.find(owner, "m"), town["b"].everywhere.cancel(owner, "m")):
            with pytest.raises(ClientError, match="No such answer") as caught:
                outcome(town, work)
            assert caught.value.status == 404
        assert outcome(town, town["b"].everywhere.streams(owner)) == []
    assert resumed(town, owner=LAPTOP).texts == {"m": "half"}
    [listed] = outcome(town, town["b"].everywhere.streams(LAPTOP))
    assert listed == {"messageId": "m", "state": "running", "seq": 0, "length": 4}


def test_streams_are_those_of_all_processes_the_oldest_first(town: Town) -> None:
    for number, tag in enumerate("abba"):
        town[tag].ask(str(number))
        town.settle()
        town.clock.advance(1)
    shown = [outcome(town, town[tag].everywhere.streams(SARA)) for tag in "ab"]
    assert shown[0] == shown[1]
    assert [each["messageId"] for each in shown[0]] == ["0", "1", "2", "3"]


def test_what_failed_and_is_asked_again_elsewhere_is_listed_as_of_then(town: Town) -> None:
    begun(town).fail(Kind.TIMEOUT)
    for number, (tag, message_id) in enumerate((("a", "other"), ("b", "m")), 1):
        town.clock.advance(number)
        town[tag].ask(message_id)
        town.settle()
    for tag in "ab":
        listed = outcome(town, town[tag].everywhere.streams(SARA))
        assert [(each["messageId"], each["state"]) for each in listed] == [("other", "running"), ("m", "running")]


@pytest.mark.parametrize("state", [State.COMPLETE, State.FAILED])
def test_cancelled_there_too_late_it_is_told_how_it_has_ended(town: Town, state: State) -> None:
    generation = begun(town, "all")
    if state is State.COMPLETE:
        generation.finish()
    else:
        generation.fail(Kind.TIMEOUT)
    assert outcome(town, town["b"].everywhere.cancel(SARA, "m")) is state


def test_cancelled_there_it_completes_with_what_was_said(town: Town) -> None:
    generation = begun(town, "half")
    reader = resumed(town)
    assert outcome(town, town["b"].everywhere.cancel(SARA, "m")) is State.CANCELLED
    assert generation.is_cancelled
    assert reader.heard[-1][1] == {"messageId": "m", "fullResponse": "half", "finishReason": "cancelled"}
    assert outcome(town, town["b"].everywhere.cancel(SARA, "m")) is State.CANCELLED


def test_stopped_there_by_who_does_not_follow_it_they_are_told_the_end_once(town: Town) -> None:
    generation, reader = begun(town, "half"), FakeReader()

    def follow(answer: Answer) -> None:
        reader.follow(answer, reader.send, answer.seq)

    for _ in range(2):
        assert outcome(town, town["b"].everywhere.stop(SARA, "m", follow)) is State.CANCELLED
        end = {"messageId": "m", "fullResponse": "half", "finishReason": "cancelled"}
        assert reader.heard == [("ai:response:complete", end)]
    assert generation.is_cancelled
    assert town["b"].answers.of(SARA) == []
    with pytest.raises(ClientError, match="No such answer"):
        outcome(town, town["b"].everywhere.stop(OMID, "m", follow))


def test_stopped_there_by_who_leaves_at_once_it_stops_all_the_same(town: Town) -> None:
    generation = begun(town, "half")
    stopping = ensureDeferred(town["b"].everywhere.stop(SARA, "m", _nobody))
    stopping.addErrback(lambda failure: failure.trap(CancelledError))
    stopping.cancel()
    town.settle()
    assert generation.is_cancelled


def test_stopped_from_a_process_that_stops_itself_it_stops(town: Town) -> None:
    generation = begun(town, "half")
    town["b"].answers.stop()
    assert outcome(town, town["b"].everywhere.stop(SARA, "m", _nobody)) is State.CANCELLED
    assert generation.is_cancelled


def test_a_conversation_is_deleted_with_its_answers_in_all_processes(town: Town) -> None:
    town["a"].ask("m", conversation_id="c")
    town.settle()
    assert outcome(town, town["b"].counselor.delete(SARA, "c")) is True
    assert town.generations[0].is_cancelled
    assert town["a"].answers.of(SARA) == []
    assert outcome(town, town["b"].counselor.delete(SARA, "c")) is False


def test_two_who_resume_at_once_share_one_mirror(town: Town) -> None:
    generation = begun(town, "half")
    found: list[Any] = []
    for _ in range(2):
        ensureDeferred(town["b"].everywhere.find(SARA, "m")).addCallback(found.append)
    town.settle()
    assert found[0] is found[1]
    reader = FakeReader()
    reader.follow(found[0], reader.send)
    assert len(town["b"].others.connections) == 1
    generation.finish()


def test_what_failed_here_and_was_asked_again_there_is_found_there(town: Town) -> None:
    begun(town, "half").fail(Kind.TIMEOUT)
    town["b"].ask("m")
    town.settle()
    town["b"].provider.generations[0].say("now")
    assert resumed(town, at="a").texts == {"m": "now"}
    shown = [outcome(town, town[tag].everywhere.streams(SARA)) for tag in "ab"]
    assert [each["state"] for each in shown[0]] == [each["state"] for each in shown[1]] == ["running"]
    assert outcome(town, town["a"].everywhere.cancel(SARA, "m")) is State.CANCELLED


def test_cancelled_where_it_failed_the_one_that_runs_elsewhere_stops(town: Town) -> None:
    begun(town, "half").fail(Kind.TIMEOUT)
    town["b"].ask("m")
    town.settle()
    assert outcome(town, town["a"].everywhere.cancel(SARA, "m")) is State.CANCELLED
    assert town["b"].provider.generations[0].is_cancelled


def test_what_failed_here_and_there_is_told_in_the_words_of_here(town: Town) -> None:
    begun(town, "half").fail(Kind.TIMEOUT)
    town["b"].ask("m")
    town.settle()
    town["b"].provider.generations[0].fail(Kind.UNREACHABLE)
    for tag, kind in (("a", Kind.TIMEOUT), ("b", Kind.UNREACHABLE)):
        assert resumed(town, at=tag).heard[-1][1]["error"] == kind.value


def test_who_stops_while_it_is_looked_for_leaves_it(town: Town) -> None:
    generation = begun(town, "half")
    looking = ensureDeferred(town["b"].everywhere.find(SARA, "m"))
    town["b"].answers.stop()
    with pytest.raises(ClientError, match="The server is stopping"):
        outcome(town, looking)
    assert not town["b"].others.connections
    assert not generation.is_cancelled


def test_cancelled_from_a_third_the_one_that_runs_counts() -> None:
    town = Town("a", "b", "c")
    begun(town, "half").fail(Kind.TIMEOUT)
    town["b"].ask("m")
    town.settle()
    assert outcome(town, town["c"].everywhere.cancel(SARA, "m")) is State.CANCELLED
    assert town["b"].provider.generations[0].is_cancelled
    town.close()


def _nobody(answer: Answer) -> None:
    """Who asks, and does not read."""
