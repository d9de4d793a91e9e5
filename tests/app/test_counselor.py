"""One question in, an answer that streams out; what is bounded, and what is left behind: nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from tests.support.patterns import Like
from tests.support.provider import ScriptedProvider
from yekta.ai.provider import Kind, Message, ProviderError
from yekta.app import prompts
from yekta.app.counselor import Counselor
from yekta.app.errors import ClientError
from yekta.app.schemas import Chat, Turn


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_769_850_302.25)
        self.provider = ScriptedProvider()
        self.counselor = Counselor(self.provider, self.clock, max_answers=3, max_per_session=2)
        self.heard: list[tuple[str, Any]] = []

    def ask(self, owner: str = "s1", **chat: Any) -> Deferred[None]:
        asked = Chat(**{"message": "?", "message_id": "m", **chat})
        return Deferred.fromCoroutine(self.counselor.converse(owner, asked, lambda *event: self.heard.append(event)))

    def names(self) -> list[str]:
        return [name.rpartition(":")[2] for name, _ in self.heard]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    assert world.counselor._answers == {}
    assert not world.counselor._owners
    assert world.clock.getDelayedCalls() == []


def refusal(world: World, owner: str, message_id: str) -> tuple[str, int, float | None]:
    failed: list[Any] = []
    asked = world.counselor.answer(owner, Chat("?", message_id=message_id), lambda text: None)
    Deferred.fromCoroutine(asked).addErrback(lambda failure: failed.append(failure.value))
    [error] = failed
    assert isinstance(error, ClientError)
    return error.error, error.status, error.retry_after


def test_an_answer_streams_between_start_and_complete(world: World) -> None:
    world.ask()
    [generation] = world.provider.generations
    generation.say("a")
    generation.say("b")
    generation.finish()
    assert world.heard == [
        ("ai:response:start", {"messageId": "m"}),
        ("ai:response:chunk", {"messageId": "m", "chunk": "a"}),
        ("ai:response:chunk", {"messageId": "m", "chunk": "b"}),
        ("ai:response:complete", {"messageId": "m", "fullResponse": "ab"}),
    ]


def test_a_new_id_tells_the_time_and_nothing_else(world: World) -> None:
    ids = {world.counselor.new_message_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(id == Like("ai-1769850302250-[0-9a-f]{10}") for id in ids)


def test_the_system_speaks_first_then_the_history_then_the_question(world: World) -> None:
    world.ask(message="now", conversation_history=[Turn("user", "a"), Turn("assistant", "b")], locale="en")
    [generation] = world.provider.generations
    system = Message("system", prompts.system("en"))
    assert generation.messages == [system, Message("user", "a"), Message("assistant", "b"), Message("user", "now")]
    generation.finish()


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("texts", [[], ["half"]])
def test_a_failure_is_an_error_with_the_kinds_own_words(world: World, kind: Kind, texts: list[str]) -> None:
    world.ask()
    [generation] = world.provider.generations
    for text in texts:
        generation.say(text)
    generation.fail(kind)
    assert world.names() == ["start", *["chunk"] * len(texts), "error"]
    assert world.heard[-1][1] == {"messageId": "m", "error": kind.value}


def test_a_cancelled_answer_completes_with_what_was_said(world: World) -> None:
    world.ask()
    world.provider.generations[0].say("half")
    world.counselor.cancel("s1", "m")
    complete = {"messageId": "m", "fullResponse": "half", "finishReason": "cancelled"}
    assert world.heard[-1] == ("ai:response:complete", complete)
    assert world.provider.generations[0].is_cancelled


@pytest.mark.parametrize(("owner", "message_id"), [("s2", "m"), ("s1", "other"), ("", "")])
def test_only_its_own_answers_can_be_cancelled(world: World, owner: str, message_id: str) -> None:
    world.ask()
    with pytest.raises(ClientError, match="No such answer") as caught:
        world.counselor.cancel(owner, message_id)
    assert caught.value.status == 404
    world.provider.generations[0].finish()
    assert world.names() == ["start", "complete"]


def test_a_client_that_leaves_ends_the_generation_in_silence(world: World) -> None:
    with capturedLogs() as logs:
        asked = world.ask().addErrback(lambda _: None)
        world.provider.generations[0].say("half")
        asked.cancel()
    assert world.provider.generations[0].is_cancelled
    assert world.names() == ["start", "chunk"]
    assert logs == []


def test_a_bug_is_logged_and_tells_the_client_nothing(world: World) -> None:
    with capturedLogs() as logs:
        world.ask()
        world.provider.generations[0].done.errback(ZeroDivisionError("secret"))
    assert world.heard[-1] == ("ai:response:error", {"messageId": "m", "error": "Internal error"})
    assert [log["log_failure"].type for log in logs] == [ZeroDivisionError]


def test_a_failed_answer_is_logged_by_its_kind_alone(world: World) -> None:
    with capturedLogs() as logs:
        world.ask(message="a secret question")
        world.provider.generations[0].fail(Kind.TIMEOUT)
    assert [log["kind"] for log in logs] == ["TIMEOUT"]
    assert "secret" not in repr(logs)


def test_bounds_in_their_order_and_free_again_afterwards(world: World) -> None:
    world.ask(message_id="1")
    assert refusal(world, "s1", "1") == ("This message is already being answered", 409, None)
    world.ask(message_id="2")
    assert refusal(world, "s1", "3") == ("Too many answers at once", 429, 5)
    world.ask("s2")
    assert refusal(world, "s3", "m") == ("The AI service is busy.", 503, 5)
    first, second, third = world.provider.generations
    first.finish()
    second.fail(Kind.TIMEOUT)
    world.counselor.cancel("s2", "m")
    for owner in ("s1", "s1", "s2"):
        world.ask(owner, message_id=f"again {len(world.provider.generations)}")
    for generation in world.provider.generations[3:]:
        generation.finish()
    assert third.is_cancelled
    assert len(world.provider.generations) == 6


def test_a_refusal_is_an_error_event_without_a_start(world: World) -> None:
    world.ask()
    world.ask()
    assert world.names() == ["start", "error"]
    world.provider.generations[0].finish()


def test_the_answer_without_events_raises(world: World) -> None:
    failed: list[Any] = []
    asked = world.counselor.answer("s1", Chat("?"), lambda text: None)
    Deferred.fromCoroutine(asked).addErrback(lambda failure: failed.append(failure.value))
    world.provider.generations[0].fail(Kind.TIMEOUT)
    assert [type(error) for error in failed] == [ProviderError]
