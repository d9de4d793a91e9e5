"""To whoever reads an answer all processes of a machine are one: begun at one service or worker, read on at another."""

from __future__ import annotations

import itertools
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
import pytest_twisted

from tests.support.clients import Client
from tests.support.cuts import WHOLE, cut_after_every_single_chunk, cut_at_every_chunk, die_at_every_chunk, read
from tests.support.doors import NATIVE, SOCKETIO, House
from tests.support.followers import SSE, EventFollower, Follower, follow
from tests.support.patience import soon
from tests.support.played_ai import PlayedAI
from tests.support.services import Pair, acquire, paired, started

API, WS = "yektayar-api", "yektayar-ws"

PROTOCOLS = {API: (NATIVE[0], SOCKETIO[0], SOCKETIO[1], SSE), WS: (NATIVE[0], SOCKETIO[0], SOCKETIO[1])}

every_pair_of_doors = pytest.mark.parametrize(
    ("home", "before", "after"),
    [
        (home, before, after)
        for home, other in ((API, WS), (WS, API))
        for before, after in itertools.product(PROTOCOLS[home], PROTOCOLS[other])
    ],
)
both_ways = pytest.mark.parametrize("home", [API, WS])

_numbers = itertools.count()


@attrs.define(eq=False)
class Street:
    """Two houses in processes of their own, and the AI they both ask."""

    ai: PlayedAI
    pair: Pair

    def house(self, service: str) -> House:
        port = (self.pair.api if service == API else self.pair.ws).port
        address = f"127.0.0.1:{port}"
        gateway: Any = SimpleNamespace(api_address=address, ws_address=address)
        return House(gateway)

    async def enter(self, service: str, token: str, protocol: str = NATIVE[0]) -> Client:
        return await self.house(service).enter(protocol, token)

    def ways(self, home: str, before: str, after: str, token: str) -> list[Any]:
        """How to enter the one, and the other."""
        return [
            partial(follow, self.house(service), protocol, token)
            for service, protocol in ((home, before), (other(home), after))
        ]


def other(service: str) -> str:
    return WS if service == API else API


@pytest_twisted.async_yield_fixture(scope="module")
async def street(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    ai = PlayedAI()
    await ai.start()
    with paired(tmp_path_factory.mktemp("street"), {"AI_BASE_URL": ai.base_url}) as pair:
        yield Street(ai, pair)
        for service in (pair.api, pair.ws):
            assert service.stop() == 0
            assert "Traceback" not in service.text, service.text
            assert not any(secret in service.text for secret in (*pair.tokens, WHOLE))
    await ai.stop()


def new_id() -> str:
    return f"m{next(_numbers)}-"


@every_pair_of_doors
@pytest_twisted.ensureDeferred
async def test_cut_at_any_chunk_it_goes_on_at_the_other_service(
    street: Street, home: str, before: str, after: str
) -> None:
    token, asked = street.pair.acquire(), len(street.ai.generations)
    witness = await street.enter(home, token)

    async def arrived(message_id: str, chunks: int) -> None:
        while {"messageId": message_id, "state": "running", "seq": chunks - 1} not in await streams(witness):
            pass

    ways = street.ways(home, before, after, token)
    await cut_at_every_chunk(street.ai, *ways, new_id(), arrived)
    assert len(street.ai.generations) == asked + 7
    await witness.leave()


async def streams(client: Client) -> list[dict[str, Any]]:
    """Messages, states and numbers of chunks, as one is told."""
    await client.say("ai:streams")
    heard = await client.hear()
    assert heard.event == "ai:streams_response"
    return [{name: each[name] for name in ("messageId", "state", "seq")} for each in heard.data["streams"]]


@every_pair_of_doors
@pytest_twisted.ensureDeferred
async def test_cut_after_every_single_chunk_it_goes_on_at_the_services_in_turn(
    street: Street, home: str, before: str, after: str
) -> None:
    token, asked = street.pair.acquire(), len(street.ai.generations)
    await cut_after_every_single_chunk(street.ai, *street.ways(home, before, after, token), new_id())
    assert len(street.ai.generations) == asked + 1


@both_ways
@pytest.mark.parametrize("protocol", [NATIVE[0], SOCKETIO[1]])
@pytest_twisted.ensureDeferred
async def test_what_the_provider_left_unfinished_is_resumed_there_with_its_error(
    street: Street, home: str, protocol: str
) -> None:
    ways = street.ways(home, protocol, protocol, street.pair.acquire())
    await die_at_every_chunk(street.ai, *ways, new_id())


async def begun(street: Street, home: str, token: str, text: str = "half") -> tuple[Follower, Any, str]:
    """An answer on its way, with one chunk."""
    message_id = new_id()
    follower = await follow(street.house(home), NATIVE[0], token)
    await follower.ask(message_id)
    generation = await street.ai.asked()
    generation.say(text)
    await read(follower, text)
    return follower, generation, message_id


@both_ways
@pytest_twisted.ensureDeferred
async def test_it_is_listed_and_cancelled_from_the_other_service_and_from_nobody_elses_session(
    street: Street, home: str
) -> None:
    token = street.pair.acquire()
    follower, generation, message_id = await begun(street, home, token)
    there = await street.enter(other(home), token)
    assert await streams(there) == [{"messageId": message_id, "state": "running", "seq": 0}]
    stranger = await street.enter(other(home), street.pair.acquire())
    assert await streams(stranger) == []
    for event in ("ai:resume", "ai:cancel"):
        await stranger.say(event, {"messageId": message_id})
        await stranger.expect("error", {"error": "No such answer", "event": event})
    await there.say("ai:cancel", {"messageId": message_id})
    end = {"messageId": message_id, "fullResponse": "half", "finishReason": "cancelled"}
    assert await follower.end() == ("complete", end)
    await soon(generation.cancelled)
    assert await streams(there) == [{"messageId": message_id, "state": "cancelled", "seq": 0}]
    # One that is over is read there, too.
    late = await follow(street.house(other(home)), NATIVE[0], token)
    await late.resume(message_id)
    assert await late.end() == ("complete", end)
    assert late.text == "half"
    await close(follower, late, there, stranger)


async def close(*clients: Follower | Client) -> None:
    for client in clients:
        await (client.leave() if isinstance(client, Client) else client.cut())


@pytest_twisted.ensureDeferred
async def test_rest_cancels_what_the_websocket_service_has_and_refuses_strangers(street: Street) -> None:
    token = street.pair.acquire()
    follower, generation, message_id = await begun(street, WS, token)
    house = street.house(API)
    url = f"http://{house.gateway.api_address}/api/ai/stream/{message_id}"
    for method in ("GET", "DELETE"):
        headers = {"Authorization": f"Bearer {street.pair.acquire()}"}
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
async def test_who_asks_by_the_same_id_joins_and_leaves_it_running(street: Street, home: str) -> None:
    token, asked = street.pair.acquire(), len(street.ai.generations)
    follower, generation, message_id = await begun(street, home, token)
    joined = [await follow(street.house(other(home)), NATIVE[0], token) for _ in range(2)]
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
    late = await follow(street.house(other(home)), NATIVE[0], token)
    await late.ask(message_id)
    assert await late.end() == ("complete", {"messageId": message_id, "fullResponse": "half more"})
    assert len(street.ai.generations) == asked + 1
    await close(joined[1], late)


@pytest_twisted.ensureDeferred
async def test_asked_for_at_both_in_the_same_moment_it_is_paid_for_once(street: Street) -> None:
    token = street.pair.acquire()
    followers = [await follow(street.house(service), NATIVE[0], token) for service in (API, WS)]
    for number in range(20):
        asked, message_id = len(street.ai.generations), new_id()
        for follower in followers[:: (-1) ** number]:
            follower.text, follower.seq = "", -1
            await follower.client.say("ai:chat", {"message": "?", "messageId": message_id})  # type: ignore[attr-defined]
        for follower in followers:
            assert await follower.hear() == ("start", {"messageId": message_id})
        generation = await street.ai.asked()
        for text in ("one", " two"):
            generation.say(text)
            for follower in followers:
                await read(follower, text)
        generation.finish()
        for follower in followers:
            assert await follower.end() == ("complete", {"messageId": message_id, "fullResponse": "one two"})
        assert len(street.ai.generations) == asked + 1
    await close(*followers)


@asynccontextmanager
async def read_elsewhere(tmp_path: Path, street: Street, home: str, **settings: str) -> AsyncIterator[tuple[Any, ...]]:
    """An answer of services that nobody else uses, of which half has been read at the other one."""
    with paired(tmp_path, {"AI_BASE_URL": street.ai.base_url, **settings}) as pair:
        own, token = attrs.evolve(street, pair=pair), pair.acquire()
        follower, generation, message_id = await begun(own, home, token)
        there = await follow(own.house(other(home)), NATIVE[0], token)
        await there.resume(message_id)
        await read(there, "half")
        yield pair, follower, there, generation, message_id


@both_ways
@pytest_twisted.ensureDeferred
async def test_a_process_that_is_killed_leaves_an_error_that_says_ask_again(
    tmp_path: Path, street: Street, home: str
) -> None:
    async with read_elsewhere(tmp_path, street, home) as (pair, follower, there, generation, message_id):
        {API: pair.api, WS: pair.ws}[home].stop(signal.SIGKILL)
        error = {"messageId": message_id, "error": "The AI service broke off its answer.", "retryable": True}
        assert await there.end() == ("error", error)
        # And so it is: nobody is left who would have it, and nothing is waited for.
        there.text, there.seq = "", -1
        await there.ask(message_id)
        again = await street.ai.asked()
        again.say("whole")
        again.finish()
        assert await there.end() == ("complete", {"messageId": message_id, "fullResponse": "whole"})
        await soon(generation.cancelled)
        await close(follower, there)
        left = {API: pair.ws, WS: pair.api}[home]
        assert left.stop() == 0
        assert "Traceback" not in left.text


@both_ways
@pytest_twisted.ensureDeferred
async def test_a_home_that_is_stopped_waits_for_those_who_read_elsewhere(
    tmp_path: Path, street: Street, home: str
) -> None:
    async with read_elsewhere(tmp_path, street, home) as (pair, follower, there, generation, message_id):
        await follower.cut()
        service = {API: pair.api, WS: pair.ws}[home]
        service.process.send_signal(signal.SIGTERM)
        generation.say(" more")
        await read(there, " more")
        generation.finish()
        assert await there.end() == ("complete", {"messageId": message_id, "fullResponse": "half more"})
        await close(there)
        assert service.wait() == 0
        assert "Traceback" not in service.text


@both_ways
@pytest_twisted.ensureDeferred
async def test_a_home_that_waits_no_longer_tells_readers_elsewhere_what_it_tells_its_own(
    tmp_path: Path, street: Street, home: str
) -> None:
    ends_soon = read_elsewhere(tmp_path, street, home, DRAIN_ANSWERS_SECONDS="0.2")
    async with ends_soon as (pair, follower, there, generation, message_id):
        {API: pair.api, WS: pair.ws}[home].process.send_signal(signal.SIGTERM)
        end = {"messageId": message_id, "fullResponse": "half", "finishReason": "cancelled"}
        assert await there.end() == ("complete", end)
        await soon(generation.cancelled)
        await close(follower, there)


@pytest_twisted.ensureDeferred
async def test_the_workers_of_one_service_know_of_each_others_answers(tmp_path: Path, street: Street) -> None:
    settings = {"AI_BASE_URL": street.ai.base_url}
    with started(API, "--workers=2", folder=tmp_path, settings=settings) as service:
        service.await_line(re.compile("all 2 workers serve"))
        address: Any = SimpleNamespace(api_address=f"127.0.0.1:{service.port}")
        house, token = House(address), acquire(service.port)
        clients: dict[str, Client] = {}
        while len(clients) < 2:
            client = await house.enter(SOCKETIO[0], token)
            # By the tag of its process.
            known = clients.setdefault(client.handshake["sid"][:4], client)  # type: ignore[attr-defined]
            if known is not client:
                await client.leave()
        here, there = clients.values()
        first = EventFollower(here, None)
        await first.ask("m")
        generation = await street.ai.asked()
        generation.say("half")
        await read(first, "half")
        second = EventFollower(there, None)
        await second.resume("m")
        await read(second, "half")
        await first.cut()
        generation.say(" more")
        await read(second, " more")
        await there.say("ai:cancel", {"messageId": "m"})
        end = {"messageId": "m", "fullResponse": "half more", "finishReason": "cancelled"}
        assert await second.end() == ("complete", end)
        await soon(generation.cancelled)
        await second.cut()
        assert service.stop() == 0
        assert "Traceback" not in service.text
