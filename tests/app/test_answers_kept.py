"""How long answers live, how many are kept, and whose they are."""

from __future__ import annotations

import pytest

from tests.support.answers import CHARACTERS, KEEP, MOST, ORPHAN, World, world
from yekta.ai.provider import Kind
from yekta.app.answer import State
from yekta.app.errors import ClientError

__all__ = ["world"]


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


def test_a_server_that_stops_ends_its_answers_and_begins_none(world: World) -> None:
    reader = world.follow(world.begin())
    world.begin("other")
    world.answers.stop()
    assert all(generation.is_cancelled for generation in world.provider.generations)
    assert reader.heard[-1][1]["finishReason"] == "cancelled"
    with pytest.raises(ClientError) as caught:
        world.begin("late")
    assert caught.value.status == 503
