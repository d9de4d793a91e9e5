"""The AI through every door: an answer that a test plays by hand, event by event."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted

from tests.support.clients import Client, Heard
from tests.support.doors import DOORS, House, every_door, house
from tests.support.patience import soon
from tests.support.patterns import MESSAGE_ID
from tests.support.provider import ScriptedGeneration
from yekta.ai.provider import Kind, Message
from yekta.app import prompts

__all__ = ["house"]

# Few enough to be reached in a test.
limited = pytest.mark.parametrize("house", [{"AI_MAX_ANSWERS": "3", "AI_MAX_PER_SESSION": "2"}], indirect=True)
forsaken_soon = pytest.mark.parametrize("house", [{"AI_ORPHAN_SECONDS": "0.2"}], indirect=True)


async def ask(house: House, client: Client, **chat: Any) -> ScriptedGeneration:
    """Ask with the id ``m`` unless told otherwise; gives the provider's part."""
    chat = {"message": "?", "messageId": "m", **chat}
    await client.say("ai:chat", chat)
    await client.expect("ai:response:start", {"messageId": chat["messageId"]})
    return await house.gateway.provider.asked()


@every_door
@pytest_twisted.ensureDeferred
async def test_an_answer_streams_as_it_comes(house: House, door: str) -> None:
    client = await house.enter(door)
    generation = await ask(house, client)
    for seq, (offset, text) in enumerate(((0, "سلام"), (4, " "), (5, "دنیا 🌱"))):
        generation.say(text)
        await client.expect("ai:response:chunk", {"messageId": "m", "chunk": text, "seq": seq, "offset": offset})
    await client.ping()
    generation.finish()
    await client.expect("ai:response:complete", {"messageId": "m", "fullResponse": "سلام دنیا 🌱"})
    await client.ping()


@every_door
@pytest_twisted.ensureDeferred
async def test_without_an_id_the_answer_gets_one_and_every_event_carries_it(house: House, door: str) -> None:
    client = await house.enter(door)
    await client.say("ai:chat", {"message": "?"}, id=5)
    start = await client.hear()
    assert start.data == {"messageId": MESSAGE_ID}
    id = None
    if client.protocol == "socketio":
        await client.expect("ack", start.data, 5)
    else:
        id = start.id
        assert id == 5
    generation = await house.gateway.provider.asked()
    generation.say("x")
    generation.finish()
    await client.expect("ai:response:chunk", {**start.data, "chunk": "x", "seq": 0, "offset": 0}, id)
    await client.expect("ai:response:complete", {**start.data, "fullResponse": "x"}, id)


@every_door
@pytest_twisted.ensureDeferred
async def test_the_provider_gets_our_prompt_ten_turns_and_the_message(house: House, door: str) -> None:
    client = await house.enter(door)
    turns = [{"role": ("user", "assistant")[n % 2], "content": f"turn {n}"} for n in range(13)]
    generation = await ask(house, client, message="now", conversationHistory=turns, locale="en")
    last = [Message(turn["role"], turn["content"]) for turn in turns[-10:]]
    assert generation.messages == [Message("system", prompts.system("en")), *last, Message("user", "now")]
    assert generation.locale == "en"
    generation.finish()
    assert (await client.hear()).event == "ai:response:complete"
    generation = await ask(house, client, message="x" * 2000, messageId="longest")
    assert generation.messages == [Message("system", prompts.system("fa")), Message("user", "x" * 2000)]
    assert generation.locale == "fa"


@every_door
@pytest_twisted.ensureDeferred
async def test_a_cancelled_answer_completes_with_what_was_said(house: House, door: str) -> None:
    client = await house.enter(door)
    generation = await ask(house, client)
    generation.say("half")
    await client.expect("ai:response:chunk", {"messageId": "m", "chunk": "half", "seq": 0, "offset": 0})
    await client.say("ai:cancel", {"messageId": "m"})
    cancelled = {"messageId": "m", "fullResponse": "half", "finishReason": "cancelled"}
    await client.expect("ai:response:complete", cancelled)
    assert generation.is_cancelled
    # Once more does no harm, and is acknowledged where that is asked for.
    await client.say("ai:cancel", {"messageId": "m"}, id=1)
    if client.protocol == "socketio":
        await client.expect("ack", {"ok": True, "messageId": "m", "state": "cancelled"}, 1)
    await client.ping()


@every_door
@pytest_twisted.ensureDeferred
async def test_an_answer_is_cancelled_by_its_own_session_alone_but_from_any_door(house: House, door: str) -> None:
    client = await house.enter(DOORS[0])
    generation = await ask(house, client)
    stranger = await house.enter(door)
    await stranger.say("ai:cancel", {"messageId": "m"})
    await stranger.expect("error", {"error": "No such answer", "event": "ai:cancel"})
    assert not generation.is_cancelled
    second = await house.enter(door, client.token)
    await second.say("ai:cancel", {"messageId": "m"})
    assert (await client.hear()).data["finishReason"] == "cancelled"


@every_door
@pytest_twisted.ensureDeferred
async def test_who_comes_back_only_to_stop_an_answer_is_told_its_end_once(house: House, door: str) -> None:
    client = await house.enter(DOORS[0])
    generation = await ask(house, client)
    generation.say("half")
    second = await house.enter(door, client.token)
    await second.say("ai:cancel", {"messageId": "m"}, id=1)
    is_acknowledged = second.protocol == "socketio"
    end = {"messageId": "m", "fullResponse": "half", "finishReason": "cancelled"}
    acknowledged = Heard("ack", {"ok": True, "messageId": "m", "state": "cancelled"}, 1)
    if is_acknowledged:
        # Who polls is told the end when it is ready for more.
        heard = [await second.hear(), await second.hear()]
        assert acknowledged in heard
        assert Heard("ai:response:complete", end, None) in heard
    else:
        await second.expect("ai:response:complete", end, 1)
    await second.say("ai:cancel", {"messageId": "m"}, id=1)
    if is_acknowledged:
        assert await second.hear() == acknowledged
    await second.ping()
    assert generation.is_cancelled


@every_door
@pytest_twisted.ensureDeferred
async def test_who_goes_on_with_what_is_not_there_is_told_which(house: House, door: str) -> None:
    client = await house.enter(door)
    unknown = {"error": "No such answer", "event": "ai:resume", "messageId": "m"}
    await client.say("ai:resume", {"messageId": "m"}, id=1)
    if client.protocol == "socketio":
        await client.expect("error", unknown)
        await client.expect("ack", unknown, 1)
    else:
        await client.expect("error", unknown, 1)
    await client.say("ai:resume", {"messageId": ""})
    assert (await client.hear()).data.keys() == {"error", "event"}


@every_door
@pytest.mark.parametrize("kind", Kind)
@pytest_twisted.ensureDeferred
async def test_a_provider_that_fails_is_an_error_and_no_answer(house: House, door: str, kind: Kind) -> None:
    client = await house.enter(door)
    retryable = kind not in (Kind.REJECTED, Kind.PROTOCOL, Kind.TOO_LONG)
    failed = {"messageId": "m", "error": kind.value, "retryable": retryable}
    (await ask(house, client)).fail(kind)
    await client.expect("ai:response:error", failed)
    generation = await ask(house, client)
    generation.say("half")
    await client.expect("ai:response:chunk", {"messageId": "m", "chunk": "half", "seq": 0, "offset": 0})
    generation.fail(kind)
    await client.expect("ai:response:error", failed)
    await client.ping()


@every_door
@pytest_twisted.ensureDeferred
async def test_how_an_answer_ended_is_said_where_it_is_not_the_ordinary_way(house: House, door: str) -> None:
    client = await house.enter(door)
    generation = await ask(house, client)
    generation.say("so far")
    generation.finish("length")
    await client.expect("ai:response:chunk", {"messageId": "m", "chunk": "so far", "seq": 0, "offset": 0})
    await client.expect(
        "ai:response:complete", {"messageId": "m", "fullResponse": "so far", "finishReason": "length"}
    )


@forsaken_soon
@every_door
@pytest_twisted.ensureDeferred
async def test_what_a_client_that_leaves_has_asked_for_goes_on_for_a_while(house: House, door: str) -> None:
    client = await house.enter(door)
    other = await house.enter(door, client.token)
    theirs = await ask(house, client)
    others = await ask(house, other, messageId="other")
    await client.leave()
    assert not theirs.is_cancelled
    await soon(theirs.cancelled)
    assert not others.is_cancelled
    others.finish()
    assert (await other.hear()).event == "ai:response:complete"


@every_door
@pytest_twisted.ensureDeferred
async def test_an_id_is_answered_once_and_whoever_asks_again_joins(house: House, door: str) -> None:
    client = await house.enter(door)
    generation = await ask(house, client)
    stranger = await house.enter(door)
    (await ask(house, stranger)).finish()
    assert (await stranger.hear()).event == "ai:response:complete"
    generation.say("x")
    await client.expect("ai:response:chunk", {"messageId": "m", "chunk": "x", "seq": 0, "offset": 0})
    again = {"messageId": "m", "chunk": "x", "seq": 0, "offset": 0, "replay": True}
    complete = {"messageId": "m", "fullResponse": "x"}
    await client.say("ai:chat", {"message": "again", "messageId": "m"})
    await client.expect("ai:response:start", {"messageId": "m"})
    await client.expect("ai:response:chunk", again)
    generation.finish()
    await client.expect("ai:response:complete", complete)
    await client.say("ai:chat", {"message": "and again", "messageId": "m"})
    await client.expect("ai:response:start", {"messageId": "m"})
    await client.expect("ai:response:chunk", again)
    await client.expect("ai:response:complete", complete)
    assert len(house.gateway.provider.generations) == 2


@limited
@every_door
@pytest_twisted.ensureDeferred
async def test_answers_in_flight_are_bounded_by_session_and_in_all(house: House, door: str) -> None:
    client = await house.enter(door)
    first = await ask(house, client, messageId="1")
    second = await ask(house, client, messageId="2")
    await client.say("ai:chat", {"message": "?", "messageId": "3"})
    busy = {"messageId": "3", "error": "Too many answers at once", "retryable": True}
    await client.expect("ai:response:error", busy)
    other = await house.enter(door)
    third = await ask(house, other)
    another = await house.enter(door)
    await another.say("ai:chat", {"message": "?", "messageId": "m"})
    busy = {"messageId": "m", "error": "The AI service is busy.", "retryable": True}
    await another.expect("ai:response:error", busy)
    first.fail(Kind.TIMEOUT)
    assert (await client.hear()).event == "ai:response:error"
    await client.say("ai:cancel", {"messageId": "2"})
    assert (await client.hear()).event == "ai:response:complete"
    assert second.is_cancelled
    for each in ("4", "5"):
        (await ask(house, client, messageId=each)).finish()
        assert (await client.hear()).event == "ai:response:complete"
    third.finish()
    assert (await other.hear()).event == "ai:response:complete"


@every_door
@pytest_twisted.ensureDeferred
async def test_a_bug_in_a_provider_tells_the_client_nothing(house: House, door: str) -> None:
    client = await house.enter(door)
    generation = await ask(house, client)
    generation.done.errback(ZeroDivisionError("secret"))
    error = {"messageId": "m", "error": "Internal error", "retryable": False}
    await client.expect("ai:response:error", error)
    await client.ping()
