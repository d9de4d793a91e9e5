"""One question in, an answer that streams out and lives on; what is bounded, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.logger import LogLevel, capturedLogs

from tests.support.answers import end
from tests.support.clocks import TwoClocks
from tests.support.patterns import Like
from tests.support.peers import FakePeer
from tests.support.provider import ScriptedProvider
from yekta.ai.provider import Kind, Message
from yekta.app import prompts
from yekta.app.answer import State
from yekta.app.answers import Answers
from yekta.app.counselor import Counselor
from yekta.app.errors import ClientError
from yekta.app.owner import Owner
from yekta.app.schemas import Chat, Turn

S1, S2, S3 = (Owner(name) for name in ("s1", "s2", "s3"))
PHONE, LAPTOP = Owner("phone", "u1"), Owner("laptop", "u1")
ADDRESS = Owner("address:192.0.2.1", returns=False)


class World:
    def __init__(self) -> None:
        self.clock = TwoClocks(1_769_850_302.25)
        self.provider = ScriptedProvider()
        self.answers = Answers(self.clock)
        self.counselor = Counselor(self.provider, self.clock, self.answers, max_answers=3, max_per_session=2)
        self.everywhere: Any = self.counselor.everywhere
        self.peer = FakePeer()
        self.heard = self.peer.emitted

    def ask(self, owner: Owner = S1, peer: FakePeer | None = None, **chat: Any) -> None:
        asked = Chat(**{"message": "?", "message_id": "m", **chat})
        peer = peer or self.peer
        self.counselor.chat(owner, asked, peer, peer.emit)

    def names(self) -> list[str]:
        return [name.rpartition(":")[2] for name, _ in self.heard]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    end(world.answers, world.clock)


def refusal(world: World, owner: Owner, message_id: str) -> tuple[str, int, float | None]:
    with pytest.raises(ClientError) as caught:
        world.ask(owner, message_id=message_id)
    return caught.value.error, caught.value.status, caught.value.retry_after


def test_an_answer_streams_between_start_and_complete(world: World) -> None:
    world.ask()
    [generation] = world.provider.generations
    generation.say("سلام")
    generation.say(" b")
    generation.finish()
    assert world.heard == [
        ("ai:response:start", {"messageId": "m"}),
        ("ai:response:chunk", {"messageId": "m", "chunk": "سلام", "seq": 0, "offset": 0}),
        ("ai:response:chunk", {"messageId": "m", "chunk": " b", "seq": 1, "offset": 4}),
        ("ai:response:complete", {"messageId": "m", "fullResponse": "سلام b"}),
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


def test_of_a_history_that_is_too_long_the_provider_is_told_the_end(world: World) -> None:
    world.ask(conversation_history=[Turn("user", "first"), Turn("assistant", "x" * prompts.EARLIER)])
    [generation] = world.provider.generations
    assert [message.content for message in generation.messages[1:]] == ["x" * prompts.EARLIER, "?"]
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
    retryable = kind not in (Kind.REJECTED, Kind.PROTOCOL, Kind.TOO_LONG)
    assert world.heard[-1][1] == {"messageId": "m", "error": kind.value, "retryable": retryable}


def test_what_failed_can_be_asked_again_by_its_id(world: World) -> None:
    world.ask()
    world.provider.generations[0].fail(Kind.INTERRUPTED)
    world.clock.advance(300)
    world.ask()
    world.provider.generations[1].say("now")
    world.provider.generations[1].finish()
    assert world.names() == ["start", "error", "start", "chunk", "complete"]
    # The one that failed is not forgotten in the other's place.
    world.clock.advance(301)
    assert world.everywhere.find(S1, "m").text == "now"


def test_a_cancelled_answer_completes_with_what_was_said(world: World) -> None:
    world.ask()
    world.provider.generations[0].say("half")
    assert world.everywhere.cancel(S1, "m") is State.CANCELLED
    complete = {"messageId": "m", "fullResponse": "half", "finishReason": "cancelled"}
    assert world.heard[-1] == ("ai:response:complete", complete)
    assert world.provider.generations[0].is_cancelled
    world.everywhere.cancel(S1, "m")
    assert world.names() == ["start", "chunk", "complete"]


@pytest.mark.parametrize(("owner", "message_id"), [(S2, "m"), (S1, "other"), (Owner(""), ""), (PHONE, "m")])
def test_only_ones_own_answers_are_found(world: World, owner: Owner, message_id: str) -> None:
    world.ask()
    for wanted in (
        lambda: world.everywhere.cancel(owner, message_id),
        lambda: world.everywhere.find(owner, message_id),
    ):
        with pytest.raises(ClientError, match="No such answer") as caught:
            wanted()
        assert caught.value.status == 404
    assert world.everywhere.streams(owner) == ([] if owner is not S1 else world.everywhere.streams(S1))
    world.provider.generations[0].finish()
    assert world.names() == ["start", "complete"]


def test_another_session_of_the_same_user_resumes_joins_and_cancels(world: World) -> None:
    world.ask(PHONE)
    world.provider.generations[0].say("half")
    laptop = FakePeer()
    laptop.follow(world.everywhere.find(LAPTOP, "m"), laptop.emit, replay=True)
    replay = {"messageId": "m", "chunk": "half", "seq": 0, "offset": 0, "replay": True}
    assert laptop.emitted == [("ai:response:chunk", replay)]
    world.ask(LAPTOP)
    assert len(world.provider.generations) == 1
    world.everywhere.cancel(LAPTOP, "m")
    assert laptop.emitted[-1] == world.heard[-1]
    assert world.heard[-1][1]["finishReason"] == "cancelled"


def test_the_same_question_joins_the_answer_and_is_not_paid_for_twice(world: World) -> None:
    world.ask()
    world.provider.generations[0].say("half")
    other = FakePeer()
    world.ask(peer=other)
    world.provider.generations[0].finish()
    late = FakePeer()
    world.ask(peer=late)
    replay = {"messageId": "m", "chunk": "half", "seq": 0, "offset": 0, "replay": True}
    complete = {"messageId": "m", "fullResponse": "half"}
    assert other.emitted == late.emitted == [
        ("ai:response:start", {"messageId": "m"}),
        ("ai:response:chunk", replay),
        ("ai:response:complete", complete),
    ]
    assert len(world.provider.generations) == 1


def test_who_has_only_an_address_joins_nobody_and_leaves_nothing(world: World) -> None:
    world.ask(ADDRESS)
    world.provider.generations[0].say("private")
    assert refusal(world, ADDRESS, "m") == ("This message is already being answered", 409, None)
    world.peer.gone()
    assert world.provider.generations[0].is_cancelled
    assert world.everywhere.streams(ADDRESS) == []
    world.ask(ADDRESS)
    world.provider.generations[1].finish()
    assert world.everywhere.streams(ADDRESS) == []


def test_what_failed_on_one_device_and_was_asked_again_on_another_is_one_answer(world: World) -> None:
    world.ask(PHONE)
    world.provider.generations[0].fail(Kind.INTERRUPTED)
    world.ask(LAPTOP)
    world.provider.generations[1].say("now")
    world.ask(PHONE, peer := FakePeer())
    assert len(world.provider.generations) == 2
    assert peer.emitted[-1][1]["chunk"] == "now"
    assert [stream["state"] for stream in world.everywhere.streams(LAPTOP)] == ["running"]


def test_ones_running_and_recent_answers_are_listed(world: World) -> None:
    world.ask(message_id="1")
    world.provider.generations[0].say("سلام")
    world.provider.generations[0].finish()
    world.ask(message_id="2")
    world.ask(S2)
    assert world.everywhere.streams(S1) == [
        {"messageId": "1", "state": "complete", "seq": 0, "length": 4},
        {"messageId": "2", "state": "running", "seq": -1, "length": 0},
    ]


def test_a_bug_is_logged_and_tells_the_client_nothing(world: World) -> None:
    with capturedLogs() as logs:
        world.ask()
        world.provider.generations[0].done.errback(ZeroDivisionError("secret"))
    error = {"messageId": "m", "error": "Internal error", "retryable": False}
    assert world.heard[-1] == ("ai:response:error", error)
    assert [log["log_failure"].type for log in logs] == [ZeroDivisionError]


def test_a_failed_answer_is_logged_by_its_reason_alone(world: World) -> None:
    with capturedLogs() as logs:
        world.ask(message="a secret question")
        world.provider.generations[0].fail(Kind.TIMEOUT)
    assert [(log["log_level"], log["reason"]) for log in logs] == [(LogLevel.warn, "TIMEOUT")]
    assert "secret" not in repr(logs)


def test_bounds_in_their_order_and_free_again_afterwards(world: World) -> None:
    world.ask(message_id="1")
    world.ask(message_id="2")
    assert refusal(world, S1, "3") == ("Too many answers at once", 429, 5)
    world.ask(S2)
    assert refusal(world, S3, "m") == ("The AI service is busy.", 503, 5)
    first, second, third = world.provider.generations
    first.finish()
    second.fail(Kind.TIMEOUT)
    world.everywhere.cancel(S2, "m")
    for owner in (S1, S1, S2):
        world.ask(owner, message_id=f"again {len(world.provider.generations)}")
    assert third.is_cancelled
    assert len(world.provider.generations) == 6


def test_the_bound_of_a_session_is_that_of_all_its_users_sessions(world: World) -> None:
    world.ask(PHONE, message_id="1")
    world.ask(PHONE, message_id="2")
    assert refusal(world, LAPTOP, "3")[1] == 429


def test_why_an_answer_failed_is_kept_without_what_was_known_where_it_did(world: World) -> None:
    class Broken(ScriptedProvider):
        def generate(self, *args: Any) -> Any:
            try:
                raise ZeroDivisionError
            except ZeroDivisionError:
                raise ClientError("x", status=503) from None

    world.counselor.provider = Broken()
    world.ask()
    error = world.answers.of(Owner("s1"))[0].error
    assert error is not None
    assert (error.__traceback__, error.__context__) == (None, None)
