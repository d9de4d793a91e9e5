"""Answers by themselves: who is sent what, and when the provider is held back."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from tests.support.answers import ORPHAN, World, world
from tests.support.readers import FakeReader
from yekta.ai.provider import Kind, ProviderError
from yekta.app.answer import State
from yekta.app.errors import ClientError
from yekta.app.owner import Owner
from yekta.seldom import QUIET

__all__ = ["world"]

TEXTS = ("سلام", " ", "🌱 دنیا", "\n", "!")
WHOLE = "".join(TEXTS)


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


def test_a_number_before_all_others_is_the_beginning(world: World) -> None:
    reader = world.follow(world.begin(), -7)
    assert reader.heard == []
    world.generation.say("a")
    assert reader.heard == [("ai:response:chunk", {"messageId": "m", "chunk": "a", "seq": 0, "offset": 0})]


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


def test_who_keeps_up_again_before_it_is_said_misses_nothing(world: World) -> None:
    reader = world.follow(world.begin())
    reader.is_slow = True
    world.generation.say("a")
    reader.is_slow = False
    world.generation.say("b")
    world.generation.say("c")
    assert reader.chunks() == ["ab", "c"]


@pytest.mark.parametrize("ends", [[1], [1, 2]], ids=["one chunk", "several at once"])
def test_who_leaves_at_a_chunk_keeps_it_from_nobody(world: World, ends: list[int]) -> None:
    class Leaving(FakeReader):
        def send(self, event: str, data: Any) -> None:
            super().send(event, data)
            self.stop_following()

    answer = world.begin()
    readers = [world.follow(answer, reader=reader) for reader in (Leaving(), FakeReader(), Leaving(), FakeReader())]
    text = "xy"[: ends[-1]]
    answer.copied(text, ends)
    assert [reader.texts for reader in readers] == [{"m": text}] * 4
    world.generation.say("z")
    assert [reader.texts["m"] for reader in readers] == [text, text + "z"] * 2


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


def test_cancelled_before_the_provider_is_asked_it_ends_at_once(world: World) -> None:
    answer = world.answers.begin("m", Owner("s"))
    reader = world.follow(answer)
    answer.cancel()
    complete = {"messageId": "m", "fullResponse": "", "finishReason": "cancelled"}
    assert reader.heard == [("ai:response:complete", complete)]


def test_what_comes_after_the_end_changes_nothing_but_a_mistake_is_logged(world: World) -> None:
    answer = world.begin()
    reader = world.follow(answer)
    world.generation.finish()
    answer.cancel()
    with capturedLogs() as logs:
        # Who refuses has said why, once for all whom it refuses.
        answer.failed(Failure(ClientError("Service unavailable", status=503)))
        answer.failed(Failure(ValueError("a mistake")))
    assert (answer.state, answer.error, len(reader.heard)) == (State.COMPLETE, None, 1)
    assert [type(log["log_failure"].value) for log in logs] == [ValueError]


def test_failures_of_a_kind_are_logged_once_in_a_while_and_told_each_time(world: World) -> None:
    readers = []
    with capturedLogs() as logs:
        for number, kind in enumerate((Kind.TIMEOUT, Kind.UNREACHABLE, Kind.TIMEOUT, Kind.TIMEOUT, Kind.TIMEOUT)):
            world.clock.advance(QUIET / 4)
            readers.append(world.follow(world.begin(str(number))))
            world.generation.fail(kind)
    assert [log["reason"] for log in logs] == ["TIMEOUT", "UNREACHABLE", "TIMEOUT"]
    assert all(reader.heard[-1][0] == "ai:response:error" for reader in readers)
    assert world.answers.times.ends["failed"] == 5


def test_whoever_waits_is_told_of_the_end_whatever_it_is_and_may_give_up(world: World) -> None:
    answer = world.begin()
    waiting, impatient = answer.wait(), answer.wait()
    impatient.addErrback(lambda _: None)
    impatient.cancel()
    assert not world.generation.is_cancelled
    assert not waiting.called
    world.generation.fail(Kind.TIMEOUT)
    assert waiting.called
    assert isinstance(answer.error, ProviderError)
    assert answer.wait().called


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
