"""How answers end and how long they take is known, each once, at the process that asked the AI."""

from __future__ import annotations

from twisted.python.failure import Failure

from tests.support.answers import World, world
from tests.support.mirrors import begun, resumed
from tests.support.town import Town
from yekta.ai.provider import Kind, ProviderError
from yekta.durations import Durations

__all__ = ["world"]


def counted(durations: Durations) -> int:
    return durations.cumulative()[-1][1]


def test_an_answer_is_timed_from_its_beginning(world: World) -> None:
    times = world.answers.times
    world.follow(world.begin())
    world.clock.advance(2)
    for _ in range(2):
        world.generation.say("words")
    assert (counted(times.first), times.first.total, counted(times.whole)) == (1, 2, 0)
    world.clock.advance(5)
    world.generation.finish()
    assert (counted(times.first), counted(times.whole), times.whole.total) == (1, 1, 7)
    assert times.ends == {"complete": 1}


def test_each_end_is_counted_as_what_it_is(world: World) -> None:
    world.begin("a").cancel()
    world.begin("b").failed(Failure(ProviderError(Kind.TIMEOUT)))
    world.begin("c")
    world.generation.finish()
    times = world.answers.times
    assert times.ends == {"cancelled": 1, "failed": 1, "complete": 1}
    # None of them said anything.
    assert (counted(times.first), counted(times.whole)) == (0, 3)


def test_what_another_process_answers_is_counted_there() -> None:
    town = Town("a", "b")
    generation = begun(town)
    reader = resumed(town)
    town.settle()
    for words in ("one", "two"):
        generation.say(words)
        town.settle()
    generation.finish()
    town.settle()
    assert reader.texts == {"m": "onetwo"}
    at_home, elsewhere = (town[name].answers.times for name in ("a", "b"))
    assert (counted(at_home.first), counted(at_home.whole), at_home.ends) == (1, 1, {"complete": 1})
    assert (counted(elsewhere.first), counted(elsewhere.whole), elsewhere.ends) == (0, 0, {})
