"""The AI through three doors, as far as a scripted OpenAI-compatible server that misbehaves in every way it can."""

from __future__ import annotations

from collections.abc import AsyncIterator

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from tests.support.clients import Client
from tests.support.doors import NATIVE, SOCKETIO, House, build, quiet
from tests.support.openai import Abort, Done, Head, OpenAIServer, Raw, Received, Stay, Step, Text, Wait, chunk, event
from tests.support.patience import soon
from yekta.ai.provider import Kind

PERSIAN = "می‌فهمم که امروز سخت بوده 🌱"

three_doors = pytest.mark.parametrize("door", [NATIVE[1], *SOCKETIO[:2]])

# Settings for a world where something is to take too long; nowhere else may a slow machine be taken for it.
impatient = pytest.mark.parametrize(
    ("world", "steps", "half"),
    [
        pytest.param({"AI_FIRST_BYTE_TIMEOUT": "0.2"}, [Stay()], "", id="before its first byte"),
        pytest.param({"AI_IDLE_TIMEOUT": "0.2"}, [Text("half"), Stay()], "half", id="in the middle"),
    ],
    indirect=["world"],
)
forsaken_soon = pytest.mark.parametrize("world", [{"AI_ORPHAN_SECONDS": "0.1"}], indirect=True)

HTML = {"Content-Type": "text/html"}

# The server's part, the text that comes through before it fails, and how that is called.
FAILURES: dict[str, tuple[list[Step], str, Kind]] = {
    "dies before its first byte": ([Abort()], "", Kind.INTERRUPTED),
    "ends without an end": ([Text("half")], "half", Kind.INTERRUPTED),
    "is busy for long": ([Head(429, {"Retry-After": "60"}), Raw(b"{}")], "", Kind.OVERLOADED),
    "fails": ([Head(500, HTML), Raw(b"<h1>secret</h1>")], "", Kind.UNAVAILABLE),
    "refuses the key": ([Head(401), Raw(b'{"error":"secret"}')], "", Kind.REJECTED),
    "sends broken JSON": ([Raw(b"data: {secret\n\n")], "", Kind.PROTOCOL),
    "sends broken UTF-8": ([Raw(event(chunk("?")).replace(b"?", b"\xff"))], "\ufffd", Kind.INTERRUPTED),
    "breaks in the middle": ([Text("half"), Raw(b"data: [\n\n")], "half", Kind.PROTOCOL),
    "reports an error": ([Raw(event({"error": {"message": "secret"}}))], "", Kind.UNAVAILABLE),
}


@attrs.frozen
class World:
    server: OpenAIServer
    house: House


@pytest_twisted.async_yield_fixture
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    server = OpenAIServer()
    await server.start()
    house = await build(AI_BASE_URL=server.base_url, **getattr(request, "param", {}))
    yield World(server, house)
    await house.close()
    await server.stop()
    await quiet()


async def ask(client: Client) -> None:
    await client.say("ai:chat", {"message": "?", "messageId": "m"})
    await client.expect("ai:response:start", {"messageId": "m"})


async def answer(client: Client) -> tuple[str, dict[str, object]]:
    """The chunks joined, and the event that follows the last of them, its data with its name."""
    text = ""
    while (heard := await client.hear()).event == "ai:response:chunk":
        assert heard.data.keys() == {"messageId", "chunk", "seq", "offset"}
        assert heard.data["offset"] == len(text)
        text += heard.data["chunk"]
    return text, {"event": heard.event, **heard.data}


@three_doors
@pytest_twisted.ensureDeferred
async def test_an_answer_comes_through_chunk_by_chunk(world: World, door: str) -> None:
    client = await world.house.enter(door)
    gate: Deferred[None] = Deferred()
    world.server.script(Text("سلام"), Wait(gate), Text(" دنیا"), Done())
    await ask(client)
    await client.expect("ai:response:chunk", {"messageId": "m", "chunk": "سلام", "seq": 0, "offset": 0})
    gate.callback(None)
    await client.expect("ai:response:chunk", {"messageId": "m", "chunk": " دنیا", "seq": 1, "offset": 4})
    await client.expect("ai:response:complete", {"messageId": "m", "fullResponse": "سلام دنیا"})


@three_doors
@pytest_twisted.ensureDeferred
async def test_persian_cut_between_any_two_bytes_arrives_whole(world: World, door: str) -> None:
    client = await world.house.enter(door)
    world.server.script(Raw(event(chunk(PERSIAN)), each_byte=True), Done())
    await ask(client)
    complete = {"event": "ai:response:complete", "messageId": "m", "fullResponse": PERSIAN}
    assert await answer(client) == (PERSIAN, complete)


@three_doors
@pytest.mark.parametrize("failure", FAILURES)
@pytest_twisted.ensureDeferred
async def test_a_provider_that_fails_is_an_error_that_tells_nothing_of_it(
    world: World, door: str, failure: str
) -> None:
    steps, half, kind = FAILURES[failure]
    client = await world.house.enter(door)
    world.server.script(*steps)
    await ask(client)
    text, last = await answer(client)
    failed = {"messageId": "m", "error": kind.value, "retryable": kind not in (Kind.REJECTED, Kind.PROTOCOL)}
    assert (text, last) == (half, {"event": "ai:response:error", **failed})
    await client.ping()


@three_doors
@impatient
@pytest_twisted.ensureDeferred
async def test_a_provider_that_stalls_is_given_up(world: World, door: str, steps: list[Step], half: str) -> None:
    client = await world.house.enter(door)
    world.server.script(*steps)
    await ask(client)
    failed = {"messageId": "m", "error": Kind.TIMEOUT.value, "retryable": True}
    assert await answer(client) == (half, {"event": "ai:response:error", **failed})
    await client.ping()


@three_doors
@pytest_twisted.ensureDeferred
async def test_a_provider_that_dies_in_the_middle_leaves_half_an_answer_and_an_error(world: World, door: str) -> None:
    client = await world.house.enter(door)
    gate: Deferred[None] = Deferred()
    world.server.script(Text("half"), Wait(gate), Abort())
    await ask(client)
    await client.expect("ai:response:chunk", {"messageId": "m", "chunk": "half", "seq": 0, "offset": 0})
    gate.callback(None)
    failed = {"messageId": "m", "error": Kind.INTERRUPTED.value, "retryable": True}
    await client.expect("ai:response:error", failed)
    await client.ping()


@three_doors
@pytest_twisted.ensureDeferred
async def test_a_provider_that_is_busy_for_a_moment_is_asked_again(world: World, door: str) -> None:
    client = await world.house.enter(door)
    world.server.script(Head(429, {"Retry-After": "0"}), Raw(b"{}"))
    world.server.script(Text("now"), Done())
    await ask(client)
    assert (await answer(client))[0] == "now"
    assert len(world.server.requests) == 2


async def half_answered(world: World, door: str) -> tuple[Client, Received]:
    """A client that has half of its answer, and its request upstream, where no more is said."""
    client = await world.house.enter(door)
    arrival = world.server.arrival()
    world.server.script(Text("half"), Stay())
    await ask(client)
    assert (await client.hear()).data["chunk"] == "half"
    return client, await soon(arrival)


@three_doors
@forsaken_soon
@pytest_twisted.ensureDeferred
async def test_a_client_that_leaves_ends_the_request_upstream(world: World, door: str) -> None:
    client, upstream = await half_answered(world, door)
    await client.leave()
    await soon(upstream.gone)


@three_doors
@pytest_twisted.ensureDeferred
async def test_cancelling_ends_the_request_upstream(world: World, door: str) -> None:
    client, upstream = await half_answered(world, door)
    await client.say("ai:cancel", {"messageId": "m"})
    assert (await client.hear()).data["finishReason"] == "cancelled"
    await soon(upstream.gone)


@three_doors
@forsaken_soon
@pytest_twisted.ensureDeferred
async def test_a_logout_ends_the_request_upstream(world: World, door: str) -> None:
    client = await world.house.enter(door)
    arrival = world.server.arrival()
    world.server.script(Stay())
    await ask(client)
    upstream = await soon(arrival)
    await world.house.gateway.sessions.end(client.token)
    await soon(upstream.gone)


@three_doors
@pytest_twisted.ensureDeferred
async def test_others_are_served_while_an_answer_stalls(world: World, door: str) -> None:
    client, other = await world.house.enter(door), await world.house.enter(door)
    world.server.script(Text("half"), Stay())
    world.server.script(Text("whole"), Done())
    await ask(client)
    assert (await client.hear()).data["chunk"] == "half"
    await client.ping()
    await ask(other)
    assert (await answer(other))[0] == "whole"
