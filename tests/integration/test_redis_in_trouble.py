"""Servers of several machines as one, over a Redis that takes nothing, and over ways to it that are cut and held up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent

from tests.support.far_servers import One, reactor, there, until
from tests.support.patience import soon
from tests.support.redis import Redis
from tests.support.strait import READER, WRITER, Strait, strait
from yekta.socketio.errors import AckTimeout

__all__ = ["there"]

pytestmark = pytest.mark.needs("redis-server")

CANNOT = "Redis (REDIS_URL) cannot be used: "


@attrs.define(eq=False)
class Coast:
    """Servers, each with a way to Redis of its own. ``said``: how many events by each."""

    ways: list[Strait]
    servers: list[One]
    said: list[int]

    def say(self) -> None:
        """Each says something to all."""
        for number, one in enumerate(self.servers):
            one.server.to("r").emit("said", number, self.said[number])
            self.said[number] += 1

    def heard(self, one: One) -> list[list[int]]:
        """What a server's member was told, by who said it."""
        told = [event for event in one.member.told if event[0] == "said"]
        return [[which for _, who, which in told if who == number] for number in range(len(self.servers))]

    def has_heard_all(self) -> bool:
        return all(sum(map(len, self.heard(one))) >= sum(self.said) for one in self.servers)

    async def meet(self) -> None:
        """All see all."""
        for one in self.servers:
            await one.sees(len(self.servers) - 1)


@pytest_twisted.async_yield_fixture
async def coast(there: Redis) -> AsyncIterator[Coast]:
    async with AsyncExitStack() as stack:
        ways = [await stack.enter_async_context(strait(there.port)) for _ in range(6)]
        coast = Coast(ways, [One.begin(way.url) for way in ways], [0] * len(ways))
        await coast.meet()
        yield coast
        for one in coast.servers:
            await one.end()


@pytest_twisted.ensureDeferred
async def test_wherever_replies_are_cut_all_is_heard_once_and_in_order(coast: Coast) -> None:
    changes = [one.cluster.progress.breaks for one in coast.servers]
    for round in range(4):
        for number, way in enumerate(coast.ways):
            # A reply is some thirty bytes to who says something, and some hundred to who hears it.
            way.cut_after(*((READER, 1 + 23 * round + 7 * number) if number % 2 else (WRITER, 1 + 6 * round + number)))
        coast.say()
        await until(lambda: all(way.left is None for way in coast.ways))
        coast.say()
        await until(lambda: all(one.wire.is_up for one in coast.servers))
    await until(coast.has_heard_all)
    everything = [list(range(said)) for said in coast.said]
    assert [coast.heard(one) for one in coast.servers] == [everything] * len(coast.servers)
    assert [one.cluster.progress.breaks for one in coast.servers] == changes


@pytest_twisted.ensureDeferred
async def test_what_one_that_is_cut_off_is_asked_ends_in_time_and_then_it_is_asked_again(coast: Coast) -> None:
    here, other, way = coast.servers[0].server, coast.servers[1].server, coast.ways[1]
    for one in coast.servers:
        one.server.on_server_side("e")(lambda: True)
    assert len(await here.server_side_emit_with_ack("e")) == 5
    way.freeze()
    late: list[Deferred[list[object]]] = [
        here.server_side_emit_with_ack("e", timeout=0.5),
        here.timeout(0.5).fetch_sockets(),
        other.server_side_emit_with_ack("e", timeout=0.5),
        other.timeout(0.5).fetch_sockets(),
    ]
    answers = []
    for each in late:
        with pytest.raises(AckTimeout) as caught:
            await soon(each)
        answers.append(len(caught.value.responses))
    # Those of all others, with their own; and its own.
    assert answers == [4, 5, 0, 1]
    way.thaw()
    for server in (here, other):
        assert len(await server.server_side_emit_with_ack("e")) == 5
    assert not any(one.cluster._questions for one in coast.servers)


@pytest.mark.parametrize(
    ("begin", "end", "reason"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "OOM"),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "READONLY"),
        (("ACL", "SETUSER", "default", "-xread"), ("ACL", "SETUSER", "default", "+xread"), "NOPERM"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_redis_that_takes_nothing_is_told_of_once_and_used_again(
    there: Redis, begin: tuple[str, ...], end: tuple[str, ...], reason: str
) -> None:
    servers = [One.begin(there.url) for _ in range(2)]
    for one in servers:
        await one.sees(1)
    with capturedLogs() as logged:
        assert there.do(*begin) == "+OK"
        for one in servers:
            # What it has asked already is still answered.
            one.wire._reader.abort("it was cut")
        await until(lambda: not any(one.wire.is_up for one in servers))
        for number in range(100):
            for one in servers:
                one.server.to("r").emit("a secret", number)
            await deferLater(reactor, 0.01)
        assert there.do(*end) == "+OK"
        await until(lambda: all(one.wire.is_up for one in servers))
        for one in servers:
            await one.sees(1)
        servers[0].server.to("r").emit("then")
        await until(lambda: ["then"] in servers[1].member.told)
    texts = [formatEvent(event) for event in logged]
    assert texts.count(CANNOT + reason) == len(servers)
    assert len([text for text in texts if text.startswith("Redis")]) <= 3 * len(servers)
    assert not any("secret" in text or "Traceback" in text for text in texts)
    for one in servers:
        await one.end()
