"""Two services in processes of their own, of one machine or of two that share a Redis, and the AI that both ask.

    from tests.support.lanes import Lane, lane, link        # the fixtures, in `__all__`
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
import pytest_twisted

from tests.support.clients import Client
from tests.support.cuts import WHOLE, read
from tests.support.doors import NATIVE, House
from tests.support.followers import Follower, follow
from tests.support.played_ai import PlayedAI
from tests.support.redis import redis
from tests.support.services import Pair, paired

__all__ = [
    *("API", "WS", "Lane", "begun", "both_ways", "close", "lane", "link", "near_and_far", "new_id", "other", "streams")
]

API, WS = "yektayar-api", "yektayar-ws"

near_and_far = pytest.mark.parametrize(
    "link", ["near", pytest.param("far", marks=pytest.mark.needs("redis-server"))], indirect=True, scope="module"
)

both_ways = pytest.mark.parametrize("home", [API, WS])

_numbers = itertools.count()


@attrs.define(eq=False)
class Lane:
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


@pytest.fixture(scope="module")
def link(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Settings by which two know of each other: on one machine, unless a test is `near_and_far`."""
    if getattr(request, "param", "near") == "near":
        yield {}
    else:
        with redis(tmp_path_factory.mktemp("redis")) as server:
            yield {"LINK_FOLDER": "off", "REDIS_URL": server.url}


@pytest_twisted.async_yield_fixture(scope="module")
async def lane(link: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lane]:
    ai = PlayedAI()
    await ai.start()
    with paired(tmp_path_factory.mktemp("lane"), {"AI_BASE_URL": ai.base_url, **link}) as pair:
        lane = Lane(ai, pair)
        for home in (API, WS):
            await _is_seen(lane, home)
        yield lane
        for service in (pair.api, pair.ws):
            assert service.stop() == 0
            assert "Traceback" not in service.text, service.text
            assert not any(secret in service.text for secret in (*pair.tokens, WHOLE))
    await ai.stop()


def new_id() -> str:
    return f"m{next(_numbers)}-"


async def begun(lane: Lane, home: str, token: str, text: str = "half") -> tuple[Follower, Any, str]:
    """An answer on its way, with one chunk."""
    message_id = new_id()
    follower = await follow(lane.house(home), NATIVE[0], token)
    await follower.ask(message_id)
    generation = await lane.ai.asked()
    generation.say(text)
    await read(follower, text)
    return follower, generation, message_id


async def streams(client: Client) -> list[dict[str, Any]]:
    """Messages, states and numbers of chunks, as one is told."""
    await client.say("ai:streams")
    heard = await client.hear()
    assert heard.event == "ai:streams_response"
    return [{name: each[name] for name in ("messageId", "state", "seq")} for each in heard.data["streams"]]


async def _is_seen(lane: Lane, home: str) -> None:
    """Wait until the other service knows of answers of ``home``."""
    token = lane.pair.acquire()
    follower, generation, _ = await begun(lane, home, token)
    there = await lane.enter(other(home), token)
    while not await streams(there):
        pass
    generation.finish()
    await follower.end()
    await close(follower, there)


async def close(*clients: Follower | Client) -> None:
    for client in clients:
        await (client.leave() if isinstance(client, Client) else client.cut())
