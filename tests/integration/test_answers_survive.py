"""An answer is cut at every chunk boundary and goes on by another protocol: what was read is what was said, once."""

from __future__ import annotations

import pytest
import pytest_twisted

from tests.support.doors import House, house
from tests.support.followers import PROTOCOLS, SSE, Follower, follow
from tests.support.patience import soon
from yekta.ai.provider import Kind

__all__ = ["house"]

TEXTS = ("سلام", " ", "🌱 دنیا", "\r\n\r\n", "data: x", "!")
WHOLE = "".join(TEXTS)

every_pair = pytest.mark.parametrize(
    ("before", "after"), [(before, after) for before in PROTOCOLS for after in PROTOCOLS]
)

forsaken_soon = pytest.mark.parametrize("house", [{"AI_ORPHAN_SECONDS": "0.2"}], indirect=True)


async def read(follower: Follower, text: str) -> None:
    """Read what was said; polling clients may be told of two chunks in one."""
    while not follower.text.endswith(text):
        await follower.chunk()


@every_pair
@pytest_twisted.ensureDeferred
async def test_cut_at_any_chunk_an_answer_goes_on_by_any_protocol(house: House, before: str, after: str) -> None:
    token, _ = await house.gateway.acquire()
    for cut in range(len(TEXTS) + 1):
        message_id = f"m{cut}"
        first = await follow(house, before, token)
        await first.ask(message_id)
        generation = await house.gateway.provider.asked()
        for text in TEXTS[:cut]:
            generation.say(text)
            await read(first, text)
        await first.cut()
        # One chunk while nobody is there, and the rest when somebody is again.
        for text in TEXTS[cut : cut + 1]:
            generation.say(text)
        second = await follow(house, after, token, first)
        await second.resume(message_id)
        if cut < len(TEXTS):
            await read(second, TEXTS[cut])
        for text in TEXTS[cut + 1 :]:
            generation.say(text)
            await read(second, text)
        generation.finish()
        assert await second.end() == ("complete", {"messageId": message_id, "fullResponse": WHOLE})
        assert second.text == WHOLE
        assert second.replays == (cut < len(TEXTS))
        assert not generation.is_cancelled
        await second.cut()


@every_pair
@pytest_twisted.ensureDeferred
async def test_cut_after_every_single_chunk_in_turn(house: House, before: str, after: str) -> None:
    token, _ = await house.gateway.acquire()
    follower = await follow(house, before, token)
    await follower.ask("m")
    generation = await house.gateway.provider.asked()
    for number, text in enumerate(TEXTS):
        generation.say(text)
        await read(follower, text)
        await follower.cut()
        follower = await follow(house, (after, before)[number % 2], token, follower)
        await follower.resume("m")
    generation.finish()
    assert await follower.end() == ("complete", {"messageId": "m", "fullResponse": WHOLE})
    assert follower.text == WHOLE
    assert len(house.gateway.provider.generations) == 1
    await follower.cut()


@every_pair
@pytest_twisted.ensureDeferred
async def test_what_the_provider_left_unfinished_is_resumed_with_its_error(
    house: House, before: str, after: str
) -> None:
    """It dies at every chunk boundary in turn; its client was cut off half way there."""
    token, _ = await house.gateway.acquire()
    for died in range(len(TEXTS) + 1):
        message_id, cut = f"m{died}", died // 2
        first = await follow(house, before, token)
        await first.ask(message_id)
        generation = await house.gateway.provider.asked()
        for text in TEXTS[:cut]:
            generation.say(text)
            await read(first, text)
        await first.cut()
        for text in TEXTS[cut:died]:
            generation.say(text)
        generation.fail(Kind.INTERRUPTED)
        second = await follow(house, after, token, first)
        await second.resume(message_id)
        error = {"messageId": message_id, "error": Kind.INTERRUPTED.value, "retryable": True}
        assert await second.end() == ("error", error)
        assert second.text == "".join(TEXTS[:died])
        await second.cut()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest_twisted.ensureDeferred
async def test_another_device_of_the_same_user_reads_along_and_a_stranger_does_not(
    house: House, protocol: str
) -> None:
    phone, _ = await house.gateway.acquire("42")
    laptop, _ = await house.gateway.acquire("42")
    first = await follow(house, PROTOCOLS[0], phone)
    await first.ask("m")
    generation = await house.gateway.provider.asked()
    generation.say("half")
    second = await follow(house, protocol, laptop)
    await second.resume("m")
    assert await second.chunk() == "half"
    generation.say(" more")
    generation.finish()
    for follower in (first, second):
        assert (await follower.end())[0] == "complete"
        assert follower.text == "half more"
        await follower.cut()
    stranger = await house.enter(PROTOCOLS[0])
    await stranger.say("ai:resume", {"messageId": "m"})
    await stranger.expect("error", {"error": "No such answer", "event": "ai:resume"})
    await stranger.say("ai:streams")
    await stranger.expect("ai:streams_response", {"streams": []})


@forsaken_soon
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest_twisted.ensureDeferred
async def test_an_answer_that_nobody_comes_back_to_stops_costing(house: House, protocol: str) -> None:
    token, _ = await house.gateway.acquire()
    first = await follow(house, protocol, token)
    await first.ask("m")
    generation = await house.gateway.provider.asked()
    generation.say("half")
    await read(first, "half")
    await first.cut()
    await soon(generation.cancelled)
    second = await follow(house, SSE, token)
    await second.resume("m")
    end = {"messageId": "m", "fullResponse": "half", "finishReason": "cancelled"}
    assert await second.end() == ("complete", end)
    await second.cut()
