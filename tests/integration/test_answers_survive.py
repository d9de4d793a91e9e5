"""An answer is cut at every chunk boundary and goes on by another protocol: what was read is what was said, once."""

from __future__ import annotations

from functools import partial

import pytest
import pytest_twisted

from tests.support.cuts import cut_after_every_single_chunk, cut_at_every_chunk, die_at_every_chunk, read
from tests.support.doors import House, house
from tests.support.followers import PROTOCOLS, SSE, follow
from tests.support.patience import soon

__all__ = ["house"]

every_pair = pytest.mark.parametrize(
    ("before", "after"), [(before, after) for before in PROTOCOLS for after in PROTOCOLS]
)

forsaken_soon = pytest.mark.parametrize("house", [{"AI_ORPHAN_SECONDS": "0.2"}], indirect=True)


@every_pair
@pytest_twisted.ensureDeferred
async def test_cut_at_any_chunk_an_answer_goes_on_by_any_protocol(house: House, before: str, after: str) -> None:
    token, _ = await house.gateway.acquire()
    ways = [partial(follow, house, protocol, token) for protocol in (before, after)]
    await cut_at_every_chunk(house.gateway.provider, *ways)


@every_pair
@pytest_twisted.ensureDeferred
async def test_cut_after_every_single_chunk_in_turn(house: House, before: str, after: str) -> None:
    token, _ = await house.gateway.acquire()
    ways = [partial(follow, house, protocol, token) for protocol in (before, after)]
    await cut_after_every_single_chunk(house.gateway.provider, *ways)
    assert len(house.gateway.provider.generations) == 1


@every_pair
@pytest_twisted.ensureDeferred
async def test_what_the_provider_left_unfinished_is_resumed_with_its_error(
    house: House, before: str, after: str
) -> None:
    token, _ = await house.gateway.acquire()
    ways = [partial(follow, house, protocol, token) for protocol in (before, after)]
    await die_at_every_chunk(house.gateway.provider, *ways)


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
    await stranger.expect("error", {"error": "No such answer", "event": "ai:resume", "messageId": "m"})
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
