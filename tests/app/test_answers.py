"""Answers by themselves: who is sent what, when the provider is held back, and how long they live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.support.provider import ScriptedProvider
from tests.support.readers import FakeReader
from yekta.ai.provider import Kind, ProviderError
from yekta.app.answer import Answer, State
from yekta.app.answers import Answers
from yekta.app.errors import ClientError

TEXTS = ("سلام", " ", "🌱 دنیا", "\n", "!")
WHOLE = "".join(TEXTS)

ORPHAN, KEEP, MOST, CHARACTERS = 60, 600, 4, 100


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.answers = Answers(self.clock, orphan=ORPHAN, keep=KEEP, most=MOST, characters=CHARACTERS)
        self.provider = ScriptedProvider()
        self.reader = FakeReader()

    def begin(self, message_id: str = "m", **options: Any) -> Answer:
        """An answer on its way, that nobody follows yet."""
        answer = self.answers.begin(message_id, "s", None, **options)
        answer.started(self.provider.generate([], answer.text_received))
        return answer

    def follow(self, answer: Answer, seq: int = -1, reader: FakeReader | None = None) -> FakeReader:
        if reader is None:
            reader = FakeReader()
            reader.texts[answer.message_id] = answer.text[: answer.chunk_after(answer.clamp(seq))["offset"]]
        reader.follow(answer, reader.send, seq, replay=True)
        return reader

    @property
    def generation(self) -> Any:
        return self.provider.generations[-1]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.answers.stop()
    assert world.answers.running == 0
    assert world.clock.getDelayedCalls() == []


def test_chunks_are_numbered_and_say_where_they_begin(world: World) -> None:
    reader = world.follow(world.begin())
    for text in TEXTS:
        world.generation.say(text)
    assert [(data["seq"], data["offset"]) for _, data in reader.heard] == [(0, 0), (1, 4), (2, 5), (3, 11), (4, 12)]
    assert all(data.keys() == {"messageId", "chunk", "seq", "offset"} for _, data in reader.heard)
    assert reader.texts == {"m": WHOLE}


@pytest.mark.parametrize("seq", range(-1, len(TEXTS)))
@pytest.mark.parametrize("said", range(len(TEXTS) + 1))
def test_resumed_after_any_chunk_at_any_time_the_rest_comes_as_one_and_then_live(
    world: World, seq: int, said: int
) -> None:
    answer = world.begin()
    for text in TEXTS[:said]:
        world.generation.say(text)
    reader = world.follow(answer, seq)
    # A client cannot have more than was said.
    had = min(seq + 1, said)
    rest = "".join(TEXTS[had:said])
    offset = len("".join(TEXTS[:had]))
    replay = {"messageId": "m", "chunk": rest, "seq": said - 1, "offset": offset, "replay": True}
    assert reader.heard == ([("ai:response:chunk", replay)] if rest else [])
    for text in TEXTS[said:]:
        world.generation.say(text)
    world.generation.finish()
    assert "".join(reader.chunks()) == "".join(TEXTS[had:])
    assert [data["chunk"] for _, data in reader.heard if "replay" in data] == [rest] * bool(rest)
    assert reader.heard[-1] == ("ai:response:complete", {"messageId": "m", "fullResponse": WHOLE})


@pytest.mark.parametrize("seq", range(-1, len(TEXTS)))
def test_a_finished_answer_is_resumed_with_its_end(world: World, seq: int) -> None:
    answer = world.begin()
    for text in TEXTS:
        world.generation.say(text)
    world.generation.finish("length")
    reader = world.follow(answer, seq)
    assert reader.chunks() == ["".join(TEXTS[seq + 1 :])] * (seq + 1 < len(TEXTS))
    end = {"messageId": "m", "fullResponse": WHOLE, "finishReason": "length"}
    assert reader.heard[-1] == ("ai:response:complete", end)
    assert not reader.following


def test_who_is_slow_gets_one_chunk_instead_of_many_and_others_wait_for_nobody(world: World) -> None:
    answer = world.begin()
    slow, quick = world.follow(answer), world.follow(answer)
    world.generation.say(TEXTS[0])
    slow.is_slow = True
    for text in TEXTS[1:-1]:
        world.generation.say(text)
    assert (slow.chunks(), quick.chunks()) == ([TEXTS[0]], list(TEXTS[:-1]))
    slow.keep_up()
    world.generation.say(TEXTS[-1])
    assert slow.chunks() == [TEXTS[0], "".join(TEXTS[1:-1]), TEXTS[-1]]
    assert not [data for _, data in slow.heard if "replay" in data]
    assert slow.texts == quick.texts == {"m": WHOLE}


def test_who_is_slow_gets_the_end_once_there_is_room_for_it(world: World) -> None:
    reader = world.follow(world.begin())
    reader.is_slow = True
    world.generation.say("a")
    world.generation.finish()
    assert reader.heard == []
    reader.keep_up()
    reader.keep_up()
    assert [event for event, _ in reader.heard] == ["ai:response:chunk", "ai:response:complete"]


def test_a_replay_that_had_to_wait_is_still_called_one(world: World) -> None:
    answer = world.begin()
    world.generation.say("a")
    reader = FakeReader()
    reader.is_slow = True
    world.follow(answer, reader=reader)
    reader.keep_up()
    assert [data["replay"] for _, data in reader.heard] == [True]


def test_the_provider_is_held_back_only_while_all_who_follow_are_stuck(world: World) -> None:
    answer = world.begin()
    one, other = world.follow(answer), world.follow(answer)
    flow = world.generation.flow
    one.is_slow = True
    world.generation.say("a")
    assert flow == []
    other.is_slow = True
    world.generation.say("b")
    world.generation.say("c")
    assert flow == ["pause"]
    one.keep_up()
    assert flow == ["pause", "resume"]
    one.is_slow = True
    world.generation.say("d")
    third = world.follow(answer)
    assert flow == ["pause", "resume", "pause", "resume"]
    third.stop_following()
    assert flow[4:] == ["pause"]
    # Followed by nobody, it goes on for a while.
    one.stop_following()
    other.stop_following()
    assert flow[4:] == ["pause", "resume"]


def test_nothing_is_kept_for_somebody_stuck_but_the_answer_itself(world: World) -> None:
    answer = world.begin()
    readers = [world.follow(answer) for _ in range(100)]
    for reader in readers:
        reader.is_slow = True
    for _ in range(1000):
        world.generation.say("x" * 30)
    assert all(reader.heard == [] for reader in readers)
    for reader in readers:
        reader.keep_up()
    assert all(len(reader.heard) == 1 and len(reader.texts["m"]) == 30_000 for reader in readers)


def test_an_answer_that_nobody_follows_is_cancelled_after_a_minute(world: World) -> None:
    answer = world.begin()
    reader = world.follow(answer)
    world.generation.say("half")
    reader.stop_following()
    world.clock.advance(ORPHAN - 1)
    assert not world.generation.is_cancelled
    world.clock.advance(1)
    assert world.generation.is_cancelled
    assert (answer.state, answer.text) == (State.CANCELLED, "half")
    assert world.follow(answer).heard[-1][1]["finishReason"] == "cancelled"


@pytest.mark.parametrize("leaves_again", [False, True])
def test_the_minute_begins_anew_with_everybody_who_leaves(world: World, leaves_again: bool) -> None:
    answer = world.begin()
    world.follow(answer).stop_following()
    world.clock.advance(ORPHAN - 1)
    reader = world.follow(answer)
    if leaves_again:
        reader.stop_following()
    world.clock.advance(ORPHAN - 1)
    assert not world.generation.is_cancelled
    world.clock.advance(1)
    assert world.generation.is_cancelled is leaves_again


def test_following_again_is_following_once(world: World) -> None:
    answer = world.begin()
    world.generation.say("a")
    reader = world.follow(answer)
    world.follow(answer, 0, reader)
    world.generation.say("b")
    assert reader.chunks() == ["a", "b"]
    reader.stop_following()
    world.clock.advance(ORPHAN)
    assert world.generation.is_cancelled


@pytest.mark.parametrize("end", ["complete", "cancelled", "failed"])
def test_an_answer_that_has_ended_is_kept_for_a_while_and_then_forgotten(world: World, end: str) -> None:
    answer = world.begin()
    if end == "complete":
        world.generation.finish()
    elif end == "failed":
        world.generation.fail(Kind.TIMEOUT)
    else:
        answer.cancel()
    assert answer.state.value == end
    world.clock.advance(KEEP - 1)
    assert world.answers.find("m", "s", None) is answer
    world.clock.advance(1)
    assert world.answers.find("m", "s", None) is None
    assert world.clock.getDelayedCalls() == []


def test_as_many_as_fit_are_kept_and_the_oldest_that_ended_go_first(world: World) -> None:
    running = world.begin("running")
    for number in range(MOST + 2):
        world.begin(str(number))
        world.generation.finish()
    assert [answer.message_id for answer in world.answers.of("s", None)] == ["running", "3", "4", "5"]
    running.cancel()
    assert [answer.message_id for answer in world.answers.of("s", None)] == ["running", "3", "4", "5"]


def test_as_much_text_as_fits_is_kept_and_the_oldest_that_ended_goes_first(world: World) -> None:
    running = world.begin("running")
    world.generation.say("x" * (CHARACTERS + 1))
    for number in range(4):
        world.begin(str(number))
        world.generation.say("x" * (CHARACTERS // 2))
        if number == 1:
            # What failed makes room for the next attempt.
            world.generation.fail(Kind.TIMEOUT)
            world.begin(str(number))
            world.generation.say("x" * (CHARACTERS // 2))
        world.generation.finish()
    assert [answer.message_id for answer in world.answers.of("s", None)] == ["running", "2", "3"]
    # Longer than all that may be kept, it is told to who follows it, and then gone.
    reader = world.follow(running)
    running.cancel()
    assert reader.heard[-1][1]["finishReason"] == "cancelled"
    assert world.answers.of("s", None) == []
    # What time has taken counts no longer.
    for _ in range(3):
        for name in ("a", "b"):
            world.begin(name)
            world.generation.say("x" * (CHARACTERS // 2))
            world.generation.finish()
        assert len(world.answers.of("s", None)) == 2
        world.clock.advance(KEEP)
        assert world.answers.of("s", None) == []


def test_whose_an_answer_is(world: World) -> None:
    owners = [("s", None), ("phone", "u"), ("laptop", "u"), ("s", "u"), ("u", None)]
    begun = [world.answers.begin(f"m{number}", *owner) for number, owner in enumerate(owners)]
    assert world.answers.of("s", None) == [begun[0], begun[3]]
    assert world.answers.of("phone", "u") == begun[1:4]
    assert world.answers.of("s", "u") == begun[:4]
    assert world.answers.of("u", None) == begun[4:]
    assert world.answers.of("phone", None) == begun[1:2]
    assert world.answers.find("m2", "phone", "u") is begun[2]
    assert world.answers.find("m2", "phone", None) is None


def test_what_nobody_can_come_back_to_ends_with_its_reader_and_is_not_kept(world: World) -> None:
    answer = world.begin(lasting=False)
    world.follow(answer).stop_following()
    assert world.generation.is_cancelled
    assert world.answers.find("m", "s", None) is None


def test_cancelled_before_the_provider_is_asked_it_ends_at_once(world: World) -> None:
    answer = world.answers.begin("m", "s", None)
    reader = world.follow(answer)
    answer.cancel()
    complete = {"messageId": "m", "fullResponse": "", "finishReason": "cancelled"}
    assert reader.heard == [("ai:response:complete", complete)]


def test_a_failure_after_the_end_changes_nothing(world: World) -> None:
    answer = world.begin()
    reader = world.follow(answer)
    world.generation.finish()
    answer.failed(Failure(ClientError("Service unavailable", status=503)))
    assert (answer.state, answer.error, len(reader.heard)) == (State.COMPLETE, None, 1)


def test_whoever_waits_is_told_of_the_end_whatever_it_is_and_may_give_up(world: World) -> None:
    answer = world.begin()
    waiting, impatient = answer.wait(), answer.wait()
    impatient.addErrback(lambda _: None)
    impatient.cancel()
    assert not world.generation.is_cancelled
    world.generation.fail(Kind.TIMEOUT)
    assert waiting.called
    assert isinstance(answer.error, ProviderError)
    assert answer.wait().called


def test_a_server_that_stops_ends_its_answers_and_begins_none(world: World) -> None:
    reader = world.follow(world.begin())
    world.begin("other")
    world.answers.stop()
    assert all(generation.is_cancelled for generation in world.provider.generations)
    assert reader.heard[-1][1]["finishReason"] == "cancelled"
    with pytest.raises(ClientError) as caught:
        world.begin("late")
    assert caught.value.status == 503
