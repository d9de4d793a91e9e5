"""How long answers live, how many are kept, and whose they are."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from tests.support.answers import CHARACTERS, KEEP, MOST, ORPHAN, World, end, world
from tests.support.forgotten import forgotten
from tests.support.provider import ScriptedProvider
from yekta.ai.provider import Kind
from yekta.app.answer import State
from yekta.app.answers import MOST_OF_ONE, Answers
from yekta.app.errors import ClientError
from yekta.app.owner import Owner

__all__ = ["world"]


@pytest.fixture
def many() -> Iterator[Answers]:
    """As many are kept as by default."""
    clock = Clock()
    answers = Answers(clock)
    yield answers
    end(answers, clock)


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
    assert world.answers.find("m", Owner("s")) is answer
    world.clock.advance(1)
    assert world.answers.find("m", Owner("s")) is None
    assert "session:s" not in repr(vars(world.answers))
    assert world.clock.getDelayedCalls() == []


@pytest.mark.parametrize("leaves", [False, True])
def test_nothing_is_waited_for_once_an_answer_has_ended_and_is_dropped(world: World, leaves: bool) -> None:
    answer = world.begin()
    reader = world.follow(answer)
    if leaves:
        reader.stop_following()
    world.generation.finish()
    world.answers.drop(answer)
    assert world.clock.getDelayedCalls() == []


def test_the_end_of_the_process_breaks_off_all_also_those_that_are_not_kept(world: World) -> None:
    readers = [world.follow(world.begin(name, lasting=False)) for name in ("a", "b", "c")]
    world.answers.stop()
    assert [reader.heard[-1][0] for reader in readers] == ["ai:response:error"] * 3


def test_as_many_as_fit_are_kept_and_the_oldest_that_ended_go_first(world: World) -> None:
    running = world.begin("running")
    for number in range(MOST + 2):
        world.begin(str(number))
        world.generation.finish()
    assert [answer.message_id for answer in world.answers.of(Owner("s"))] == ["running", "3", "4", "5"]
    running.cancel()
    assert [answer.message_id for answer in world.answers.of(Owner("s"))] == ["running", "3", "4", "5"]


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
    assert [answer.message_id for answer in world.answers.of(Owner("s"))] == ["running", "2", "3"]
    # Longer than all that may be kept, it is told to who follows it, and then gone.
    reader = world.follow(running)
    running.cancel()
    assert reader.heard[-1][1]["finishReason"] == "cancelled"
    assert world.answers.of(Owner("s")) == []
    # What time has taken counts no longer.
    for _ in range(3):
        for name in ("a", "b"):
            world.begin(name)
            world.generation.say("x" * (CHARACTERS // 2))
            world.generation.finish()
        assert len(world.answers.of(Owner("s"))) == 2
        world.clock.advance(KEEP)
        assert world.answers.of(Owner("s")) == []


def test_nobody_drives_out_what_is_kept_for_others_and_ones_own_oldest_goes_first(many: Answers) -> None:
    theirs = many.begin("m", Owner("s2"))
    theirs.cancel()
    first = many.begin("first", Owner("s"))
    for number in range(100):
        many.begin(f"m{number}", Owner("s")).cancel()
    first.cancel()
    kept = [answer.message_id for answer in many.of(Owner("s"))]
    assert kept == ["first", *(f"m{number}" for number in range(101 - MOST_OF_ONE, 100))]
    assert many.find("m", Owner("s2")) is theirs


def test_a_users_answers_are_counted_together_from_whichever_session_they_come(many: Answers) -> None:
    before = many.begin("m", Owner("s0"))
    before.cancel()
    for number in range(100):
        many.begin(f"m{number}", Owner(f"s{number % 3}", "u")).cancel()
    kept = many.of(Owner("s1", "u"))
    assert [answer.message_id for answer in kept] == [f"m{number}" for number in range(100 - MOST_OF_ONE, 100)]
    # What the session asked for before it had a user is a matter of its own.
    assert many.of(Owner("s0", "u"))[0] is before
    for answer in kept:
        many.drop(answer)
    assert many.of(Owner("s1", "u")) == []


def test_how_many_run_is_counted_of_a_session_and_of_a_user(many: Answers) -> None:
    owners = Owner("phone", "u"), Owner("laptop", "u"), Owner("phone")
    asked = [many.begin(f"m{number}", owner) for number, owner in enumerate(owners)]
    counts = [many.running_of(owner) for owner in (Owner("phone"), Owner("phone", "u"), Owner("tv", "u"), Owner("tv"))]
    assert counts == [2, 2, 2, 0]
    asked[0].cancel()
    asked[2].mirror = True
    many.mirrored(asked[2])
    assert [many.running_of(owner) for owner in (Owner("phone"), Owner("phone", "u"))] == [0, 1]
    many.drop(asked[1])
    assert many.running_of(Owner("phone", "u")) == 0


def test_of_two_of_one_name_that_a_login_brings_together_each_is_found_and_forgotten(many: Answers) -> None:
    anonymous, users = many.begin("m", Owner("s")), many.begin("m", Owner("phone", "u"))
    assert many.find("m", Owner("s", "u")) is anonymous
    anonymous.cancel()
    again = many.begin("m", Owner("s", "u"))
    assert many.find("m", Owner("s", "u")) is again
    assert many.find("m", Owner("phone", "u")) is many.find("m", Owner("tv", "u")) is users
    for answer in (users, again):
        many.drop(answer)
        assert answer not in many.of(Owner("s", "u"))
    assert many.find("m", Owner("s", "u")) is None


def test_whose_an_answer_is(world: World) -> None:
    owners = [Owner("s"), Owner("phone", "u"), Owner("laptop", "u"), Owner("s", "u"), Owner("u")]
    begun = [world.answers.begin(f"m{number}", owner) for number, owner in enumerate(owners)]
    assert world.answers.of(Owner("s")) == [begun[0], begun[3]]
    assert world.answers.of(Owner("phone", "u")) == begun[1:4]
    assert world.answers.of(Owner("s", "u")) == begun[:4]
    assert world.answers.of(Owner("u")) == begun[4:]
    assert world.answers.of(Owner("phone")) == begun[1:2]
    assert world.answers.find("m2", Owner("phone", "u")) is begun[2]
    assert world.answers.find("m2", Owner("phone")) is None


def test_what_nobody_can_come_back_to_ends_with_its_reader_and_is_not_kept(world: World) -> None:
    answer = world.begin(lasting=False)
    world.follow(answer).stop_following()
    assert world.generation.is_cancelled
    assert world.answers.find("m", Owner("s")) is None


def test_a_server_that_stops_ends_its_answers_and_begins_none(world: World) -> None:
    answer = world.begin()
    reader = world.follow(answer)
    world.generation.say("half")
    world.begin("other")
    with capturedLogs() as logs:
        world.answers.stop()
    assert logs == []
    assert all(generation.is_cancelled for generation in world.provider.generations)
    # Nobody wanted it to end: whoever asks again, elsewhere, may be answered.
    broken = {"messageId": "m", "error": "The server is stopping", "retryable": True}
    assert reader.heard[-1] == ("ai:response:error", broken)
    assert answer.state is State.FAILED
    with pytest.raises(ClientError) as caught:
        world.begin("late")
    assert (caught.value.status, caught.value.retry_after) == (503, 5)


def test_an_answer_that_has_made_room_for_another_is_not_forgotten_twice() -> None:
    clock = Clock()
    answers = Answers(clock, most=2, characters=1000)
    answers.begin("running", Owner("s"), conversation="c")
    finished = answers.begin("finished", Owner("s"), conversation="c")
    finished.text_received("x" * 100)
    finished._finish("stop")
    others = [answers.begin(name, Owner("other")) for name in ("a", "b")]
    assert answers.drop_all(Owner("s"), "c")
    assert answers._characters == 0
    for other in others:
        other.cancel()
    end(answers, clock)


@pytest.mark.parametrize("end", ["complete", "cancelled", "failed", "broken off"])
def test_what_was_said_goes_with_its_answer(world: World, end: str) -> None:
    with forgotten() as expect:
        generation = ScriptedProvider().generate([], (answer := world.answers.begin("m", Owner("s"))).text_received)
        expect(answer)
        answer.started(generation)
        generation.say("x")
        if end == "complete":
            generation.finish()
        elif end == "failed":
            generation.fail(Kind.TIMEOUT)
        elif end == "cancelled":
            answer.cancel()
        else:
            answer.break_off(ClientError("x"))
            assert generation.is_cancelled
        del answer, generation
        assert world.answers.of(Owner("s"))
        world.clock.advance(KEEP)


def test_when_one_was_begun_is_told_by_the_world_s_time_and_counted_by_the_other_clock(world: World) -> None:
    world.clock.advance(5.0)
    world.clock.ahead = 1000.0
    world.begin("first")
    world.clock.advance(2.0)
    # Set back, the second is still the later one, as other processes have it too.
    world.clock.ahead = 900.0
    world.begin("second")
    world.generation.say("x")
    assert [(each["messageId"], each["begun"]) for each in world.answers.listed(Owner("s"))] == [
        ("first", 905.0),
        ("second", 907.0),
    ]
    world.clock.ahead = 0.0
    world.clock.advance(1.0)
    world.generation.finish()
    assert world.answers.times.whole.total == 1.0


def test_an_answer_of_many_small_chunks_takes_what_its_text_does(many: Answers) -> None:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        answer = many.begin("m", Owner("s", None))
        for _ in range(20_000):
            answer.text_received(bytes("😀", "utf-8").decode())
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert answer.text == "😀" * 20_000
    assert taken < 12 * 20_000
