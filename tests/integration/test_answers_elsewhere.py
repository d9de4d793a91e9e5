"""To whoever reads an answer both services are one, on one machine or on two: begun at one, read on at the other."""

from __future__ import annotations

import itertools

import pytest
import pytest_twisted

from tests.support.cuts import cut_after_every_single_chunk, cut_at_every_chunk, die_at_every_chunk, read
from tests.support.doors import NATIVE, SOCKETIO
from tests.support.followers import SSE, follow
from tests.support.lanes import API, WS, Lane, begun, both_ways, close, lane, link, near_and_far, new_id, other, streams
from tests.support.patience import soon

__all__ = ["lane", "link"]

pytestmark = near_and_far

PROTOCOLS = {API: (NATIVE[0], SOCKETIO[0], SOCKETIO[1], SSE), WS: (NATIVE[0], SOCKETIO[0], SOCKETIO[1])}

every_pair_of_doors = pytest.mark.parametrize(
    ("home", "before", "after"),
    [
        (home, before, after)
        for home, other in ((API, WS), (WS, API))
        for before, after in itertools.product(PROTOCOLS[home], PROTOCOLS[other])
    ],
)


@every_pair_of_doors
@pytest_twisted.ensureDeferred
async def test_cut_at_any_chunk_it_goes_on_at_the_other_service(
    lane: Lane, home: str, before: str, after: str
) -> None:
    token, asked = lane.pair.acquire(), len(lane.ai.generations)
    witness = await lane.enter(home, token)

    async def arrived(message_id: str, chunks: int) -> None:
        while {"messageId": message_id, "state": "running", "seq": chunks - 1} not in await streams(witness):
            pass

    ways = lane.ways(home, before, after, token)
    await cut_at_every_chunk(lane.ai, *ways, new_id(), arrived)
    assert len(lane.ai.generations) == asked + 7
    await witness.leave()


@every_pair_of_doors
@pytest_twisted.ensureDeferred
async def test_cut_after_every_single_chunk_it_goes_on_at_the_services_in_turn(
    lane: Lane, home: str, before: str, after: str
) -> None:
    token, asked = lane.pair.acquire(), len(lane.ai.generations)
    await cut_after_every_single_chunk(lane.ai, *lane.ways(home, before, after, token), new_id())
    assert len(lane.ai.generations) == asked + 1


@both_ways
@pytest.mark.parametrize("protocol", [NATIVE[0], SOCKETIO[1]])
@pytest_twisted.ensureDeferred
async def test_what_the_provider_left_unfinished_is_resumed_there_with_its_error(
    lane: Lane, home: str, protocol: str
) -> None:
    ways = lane.ways(home, protocol, protocol, lane.pair.acquire())
    await die_at_every_chunk(lane.ai, *ways, new_id())


@both_ways
@pytest_twisted.ensureDeferred
async def test_it_is_listed_and_cancelled_from_the_other_service_and_from_nobody_elses_session(
    lane: Lane, home: str
) -> None:
    token = lane.pair.acquire()
    follower, generation, message_id = await begun(lane, home, token)
    there = await lane.enter(other(home), token)
    assert await streams(there) == [{"messageId": message_id, "state": "running", "seq": 0}]
    stranger = await lane.enter(other(home), lane.pair.acquire())
    assert await streams(stranger) == []
    for event, about in (("ai:resume", {"messageId": message_id}), ("ai:cancel", {})):
        await stranger.say(event, {"messageId": message_id})
        await stranger.expect("error", {"error": "No such answer", "event": event, **about})
    await there.say("ai:cancel", {"messageId": message_id})
    end = {"messageId": message_id, "fullResponse": "half", "finishReason": "cancelled"}
    assert await follower.end() == ("complete", end)
    await soon(generation.cancelled)
    await there.expect("ai:response:complete", end)
    assert await streams(there) == [{"messageId": message_id, "state": "cancelled", "seq": 0}]
    # One that is over is read there, too.
    late = await follow(lane.house(other(home)), NATIVE[0], token)
    await late.resume(message_id)
    assert await late.end() == ("complete", end)
    assert late.text == "half"
    await close(follower, late, there, stranger)


@pytest_twisted.ensureDeferred
async def test_rest_cancels_what_the_websocket_service_has_and_refuses_strangers(lane: Lane) -> None:
    token = lane.pair.acquire()
    follower, generation, message_id = await begun(lane, WS, token)
    house = lane.house(API)
    url = f"http://{house.gateway.api_address}/api/ai/stream/{message_id}"
    for method in ("GET", "DELETE"):
        headers = {"Authorization": f"Bearer {lane.pair.acquire()}"}
        answer = await house.http.request(method, url, headers=headers)
        assert answer.status == 404, answer
    answer = await house.http.request("DELETE", url, headers={"Authorization": f"Bearer {token}"})
    assert answer.json["data"] == {"messageId": message_id, "state": "cancelled"}
    await soon(generation.cancelled)
    assert (await follower.end())[1]["finishReason"] == "cancelled"
    await house.http.close()
    await close(follower)


@both_ways
@pytest_twisted.ensureDeferred
async def test_who_asks_by_the_same_id_joins_and_leaves_it_running(lane: Lane, home: str) -> None:
    token, asked = lane.pair.acquire(), len(lane.ai.generations)
    follower, generation, message_id = await begun(lane, home, token)
    joined = [await follow(lane.house(other(home)), NATIVE[0], token) for _ in range(2)]
    for each in joined:
        await each.ask(message_id)
        await read(each, "half")
        assert each.replays == 1
    await follower.cut()
    await joined[0].cut()
    generation.say(" more")
    await read(joined[1], " more")
    generation.finish()
    assert await joined[1].end() == ("complete", {"messageId": message_id, "fullResponse": "half more"})
    # Kept at its home for whoever comes back.
    late = await follow(lane.house(other(home)), NATIVE[0], token)
    await late.ask(message_id)
    assert await late.end() == ("complete", {"messageId": message_id, "fullResponse": "half more"})
    assert len(lane.ai.generations) == asked + 1
    await close(joined[1], late)


@pytest_twisted.ensureDeferred
async def test_asked_for_at_both_in_the_same_moment_it_is_paid_for_once(lane: Lane) -> None:
    token = lane.pair.acquire()
    followers = [await follow(lane.house(service), NATIVE[0], token) for service in (API, WS)]
    for number in range(20):
        asked, message_id = len(lane.ai.generations), new_id()
        for follower in followers[:: (-1) ** number]:
            follower.text, follower.seq = "", -1
            await follower.client.say("ai:chat", {"message": "?", "messageId": message_id})  # type: ignore[attr-defined]
        for follower in followers:
            assert await follower.hear() == ("start", {"messageId": message_id})
        generation = await lane.ai.asked()
        for text in ("one", " two"):
            generation.say(text)
            for follower in followers:
                await read(follower, text)
        generation.finish()
        for follower in followers:
            assert await follower.end() == ("complete", {"messageId": message_id, "fullResponse": "one two"})
        assert len(lane.ai.generations) == asked + 1
    await close(*followers)
