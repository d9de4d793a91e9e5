"""One message asked for in several processes: whoever comes first answers, and in the same moment exactly one does."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.support.readers import FakeReader
from tests.support.town import SARA, Town
from yekta.app.answer import State
from yekta.app.owner import Owner
from yekta.app.schemas import Chat
from yekta.link.asked import PATIENCE
from yekta.link.others import COOL_DOWN


@pytest.fixture
def town(place: type[Town]) -> Iterator[Town]:
    town = place("a", "b", "c")
    yield town
    town.close()


def test_what_another_process_answers_is_joined(town: Town) -> None:
    town["a"].ask("m")
    town.settle()
    [generation] = town.generations
    generation.say("one ")
    generation.say("two ")
    reader = town["b"].ask("m")
    assert reader.heard == [("ai:response:start", {"messageId": "m"})]
    town.settle()
    replay = {"messageId": "m", "chunk": "one two ", "seq": 1, "offset": 0, "replay": True}
    assert reader.heard[1:] == [("ai:response:chunk", replay)]
    generation.say("three")
    town.settle()
    live = {"messageId": "m", "chunk": "three", "seq": 2, "offset": 8}
    assert reader.heard[2:] == [("ai:response:chunk", live)]
    generation.finish()
    town.settle()
    assert reader.heard[-1] == ("ai:response:complete", {"messageId": "m", "fullResponse": "one two three"})
    assert town.generations == [generation]
    # It is its home that keeps it.
    assert [len(town[tag].answers.of(SARA)) for tag in "abc"] == [1, 0, 0]


@pytest.mark.parametrize("chunks", [0, 1])
def test_its_first_chunk_is_a_replay_only_if_it_was_said_before(town: Town, chunks: int) -> None:
    town["a"].ask("m")
    town.settle()
    [generation] = town.generations
    for _ in range(chunks):
        generation.say("x")
    reader = town["b"].ask("m")
    town.settle()
    generation.say("x")
    town.settle()
    assert [data.get("replay", False) for event, data in reader.heard[1:]] == [True] * chunks + [False]


@pytest.mark.parametrize("seed", range(300))
def test_asked_for_at_about_the_same_time_in_any_order_it_is_paid_for_once(seed: int) -> None:
    random = Random(seed)
    tags = list("abcd"[: random.choice((2, 3, 4))])
    town = Town(*random.sample(tags, len(tags)))
    asking = random.sample(tags, len(tags)) + random.choices(tags, k=random.choice((0, 0, 2)))
    readers = []
    while asking:
        if random.random() < 0.3 or not town.step(random):
            readers.append(town[asking.pop()].ask("m"))
    while town.step(random):
        pass
    [generation] = town.generations
    for text in ("one", " two", " three"):
        generation.say(text)
        for _ in range(random.choice((0, 3))):
            town.step(random)
    generation.finish()
    town.settle()
    assert [reader.heard[-1] for reader in readers] == [
        ("ai:response:complete", {"messageId": "m", "fullResponse": "one two three"})
    ] * len(readers)
    assert all(reader.texts == {"m": "one two three"} for reader in readers)
    town.close()


def test_cancelled_straight_away_it_is_never_paid_for(town: Town) -> None:
    reader = town["a"].ask("m")
    assert town["a"].everywhere.cancel(SARA, "m") is State.CANCELLED
    end = {"messageId": "m", "fullResponse": "", "finishReason": "cancelled"}
    assert reader.heard[1:] == [("ai:response:complete", end)]
    town.settle()
    assert town.generations == []


def test_cancelled_straight_away_it_ends_where_it_was_begun(town: Town) -> None:
    town["a"].ask("m")
    town.settle()
    town["b"].ask("m")
    town["b"].everywhere.cancel(SARA, "m")
    town.settle()
    assert town.generations[0].is_cancelled


def test_who_left_meanwhile_keeps_nothing_going(town: Town) -> None:
    town["a"].ask("m")
    town.settle()
    town["b"].ask("m").stop_following()
    town.settle()
    assert town["b"].answers.of(SARA) == []
    assert not town["b"].others.connections


def test_what_has_failed_is_answered_anew_by_whoever_is_asked(town: Town) -> None:
    town["a"].ask("m")
    town.settle()
    town.generations[0].done.errback(ZeroDivisionError())
    reader = town["b"].ask("m")
    town.settle()
    town["b"].provider.generations[0].say("now")
    assert reader.texts == {"m": "now"}


def test_nobody_waits_where_nobody_else_could_know(town: Town) -> None:
    # An id of the server's own, and an owner who cannot come back.
    town["a"].counselor.chat(SARA, Chat("?"), reader := FakeReader(), reader.send)
    town["a"].ask("m", owner=Owner("address:192.0.2.1", returns=False))
    assert len(town["a"].provider.generations) == 2
    assert town.lines == []


def test_alone_nothing_is_waited_for() -> None:
    town = Town("a")
    town["a"].ask("m")
    assert len(town.generations) == 1
    assert isinstance(town["a"].everywhere.streams(SARA), list)
    assert town["a"].everywhere.find(SARA, "m").message_id == "m"
    town.close()


def test_who_does_not_reply_is_waited_for_a_moment(town: Town) -> None:
    town.stuck.add("b")
    town.gone.add("c")
    town["a"].ask("m")
    town.settle()
    town.clock.advance(PATIENCE - 0.1)
    assert town.generations == []
    town.clock.advance(0.1)
    assert len(town.generations) == 1
    town.settle()
    assert not town["a"].others.connections


def test_who_did_not_reply_is_not_waited_for_again_at_once(town: Town) -> None:
    town.stuck.add("b")
    town["a"].ask("1")
    town.settle()
    town.clock.advance(PATIENCE)
    town["a"].ask("2")
    town.settle()
    assert len(town.generations) == 2
    town.clock.advance(COOL_DOWN)
    town["a"].ask("3")
    town.settle()
    assert len(town.generations) == 2
    town.clock.advance(PATIENCE)
    assert len(town.generations) == 3
    # One who is alone with the stuck one waits for nobody.
    town.gone.add("c")
    town["a"].ask("4")
    town.settle()
    assert len(town.generations) == 4


def test_an_answer_is_found_though_others_do_not_reply(town: Town) -> None:
    town["a"].ask("m")
    town.settle()
    town.generations[0].say("half")
    town.stuck.add("b")
    reader = town["c"].ask("m")
    town.settle()
    assert reader.texts == {"m": "half"}
    assert len(town["c"].others.connections) == 1


def test_a_process_that_dies_while_it_is_asked_is_as_if_not_there(town: Town) -> None:
    town.stuck.add("b")
    town["a"].ask("m")
    town.settle()
    town.kill("b")
    town.settle()
    assert len(town.generations) == 1


def test_a_process_that_stops_while_it_asks_neither_pays_nor_waits(town: Town) -> None:
    reader = town["a"].ask("m")
    town["a"].others.let_go()
    town["a"].answers.stop()
    town.settle()
    broken = {"messageId": "m", "error": "The server is stopping", "retryable": True}
    assert reader.heard[-1] == ("ai:response:error", broken)
    assert town.clock.getDelayedCalls() == []
