"""What is not even an event, through every door: what the sender gets, and that the others never notice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted

from tests.support.clients import Client
from tests.support.doors import DOORS, House, build, every_door, every_native_door, every_socketio_door, house
from tests.support.patterns import TIMESTAMP
from tests.support.websocket_raw import RawNative

__all__ = ["house"]

# How the end of an Engine.IO connection shows: a close frame, the answer to the waiting poll, or to the next one.
ENDED = (1000, "closed by the server", 400)

FAILED = {"error": "Failed to process message"}

NOT_AN_EVENT = (
    "",
    "{",
    "nonsense",
    '{"event":"ping"',
    '{"event":"ping"}}',
    "{'event':'ping'}",
    '{"event":NaN}',
    '{"event":"echo","data":NaN}',
    "\ufeff" + '{"event":"ping"}',
    "[]",
    '["event"]',
    '[{"event":"ping"}]',
    '"event"',
    "1",
    "null",
    "true",
    "{}",
    '{"data":{}}',
    '{"event":1}',
    '{"event":null}',
    '{"event":["ping"]}',
    '{"event":{"toString":"ping"}}',
    '{"Event":"ping"}',
    "[" * 1001,
    "[" * 100_000 + "]" * 100_000,
    '{"event":' * 100_000,
)

# The same mistakes as Socket.IO packets: event packets whose JSON is broken, or no event.
NOT_A_PACKET = (
    "2{",
    "2[",
    '2["ping"',
    '2["ping"]]',
    '2["ping",NaN]',
    "2nonsense",
    "2{}",
    '2"ping"',
    "2null",
    "27null",
    "2true",
    "2[]",
    "2[null]",
    "2[true]",
    '2[["ping"]]',
    '2[{"toString":"ping"}]',
    '2["connect"]',
    '2["disconnect","x"]',
    "9",
    "",
    "2" + "[" * 1001,
    '2["echo",' + "[" * 100_000 + "]" * 100_000 + "]",
)


def nested(depth: int) -> Any:
    value: Any = "core"
    for _ in range(depth):
        value = [value]
    return value


def written(client: Client, event: str, data: str) -> str:
    """The event with ``data`` as this JSON text."""
    if client.protocol == "socketio":
        return f'2["{event}",{data}]'
    return f'{{"event":"{event}","data":{data}}}'


@pytest_twisted.async_yield_fixture
async def neighbours(house: House) -> AsyncIterator[list[Client]]:
    """One client at every door, who must still be served when it is over."""
    clients = [await house.enter(door) for door in DOORS]
    yield clients
    for client in clients:
        await client.ping()


@every_native_door
@pytest_twisted.ensureDeferred
async def test_what_is_no_event_is_an_error_and_the_connection_stays(house: House, door: str) -> None:
    client = await house.enter(door)
    for text in NOT_AN_EVENT:
        await client.send_text(text)
        await client.expect("error", FAILED)
    await client.ping()


@every_socketio_door
@pytest.mark.parametrize("packet", NOT_A_PACKET, ids=range(len(NOT_A_PACKET)))
@pytest_twisted.ensureDeferred
async def test_a_broken_packet_ends_the_connection(house: House, door: str, packet: str) -> None:
    client = await house.enter(door)
    await client.send_text(packet)
    assert await client.ended() in ENDED


@every_door
@pytest_twisted.ensureDeferred
async def test_deep_data_is_answered_with_an_error_where_it_cannot_be_sent_back(
    house: House, neighbours: list[Client], door: str
) -> None:
    client = await house.enter(door)
    for depth in (1001, 300, 254):
        await client.send_text(written(client, "echo", "[" * depth + "]" * depth))
        await client.expect("error", {"error": "Data cannot be sent back", "event": "echo"})
    for event in ("message", "ai:chat"):
        await client.send_text(written(client, event, "[" * 1001 + "]" * 1001))
        assert (await client.hear()).event == "error"
    await client.say("echo", nested(100))
    received = {"received": nested(100), "timestamp": TIMESTAMP, "socketId": client.id}
    await client.expect("echo_response", received)


@every_door
@pytest_twisted.ensureDeferred
async def test_a_message_with_deep_data_beside_its_content_cannot_be_sent_back(house: House, door: str) -> None:
    client = await house.enter(door)
    await client.send_text(written(client, "message", '{"content":"x","deep":' + "[" * 900 + "]" * 900 + "}"))
    await client.expect("error", {"error": "Data cannot be sent back", "event": "message"})
    await client.ping()


@every_door
@pytest_twisted.ensureDeferred
async def test_half_an_emoji_becomes_a_replacement_character(house: House, door: str) -> None:
    client = await house.enter(door)
    for text, received in ((r"\ud83d", "\ufffd"), (r"\udf31", "\ufffd"), (r"a\ud83d\ud83c\udf31", "a\ufffd🌱")):
        await client.send_text(written(client, "echo", f'{{"{text}":"{text}"}}'))
        assert (await client.hear()).data["received"] == {received: received}
    await client.send_text(written(client, r"\ud83d", "1"))
    assert (await client.hear()).data == {"error": "Unknown event type: \ufffd"}


@every_door
@pytest_twisted.ensureDeferred
async def test_two_megabytes_are_refused(house: House, neighbours: list[Client], door: str) -> None:
    client = await house.enter(door)
    if door == "Socket.IO over polling":
        answer = await client.post(b'42["echo","' + b"x" * 2_000_000 + b'"]')  # type: ignore[attr-defined]
        assert (answer.status, answer.body) == (413, b"")
        await client.ping()
    else:
        await client.send_text(written(client, "echo", '"' + "x" * 2_000_000 + '"'))
        assert await client.ended() == 1009


@every_door
@pytest_twisted.ensureDeferred
async def test_almost_a_megabyte_is_echoed(house: House, door: str) -> None:
    client = await house.enter(door)
    await client.say("echo", "x" * 999_900)
    assert (await client.hear()).data["received"] == "x" * 999_900


@every_native_door
@pytest_twisted.ensureDeferred
async def test_a_binary_frame_is_no_event(house: House, door: str) -> None:
    client = await house.enter(door)
    for data in (b"", b"\x00\xff", b'{"event":"ping"}'):
        await client.send_binary(data)
        await client.expect("error", FAILED)
    await client.ping()


@every_socketio_door
@pytest_twisted.ensureDeferred
async def test_binary_that_nobody_announced_ends_the_connection(
    house: House, neighbours: list[Client], door: str
) -> None:
    client = await house.enter(door)
    await client.send_binary(b"\x01\x02\x03")
    assert await client.ended() in ENDED


@every_socketio_door
@pytest_twisted.ensureDeferred
async def test_bytes_in_an_echo_are_refused_or_come_back_but_never_harm(house: House, door: str) -> None:
    client = await house.enter(door)
    await client.send_text('51-["message",{"content":{"_placeholder":true,"num":0}}]')
    await client.send_binary(b"\x01\x02\x03")
    heard = await client.hear()
    assert (heard.event, heard.data["event"]) == ("error", "message")
    await client.ping()


@every_door
@pytest_twisted.ensureDeferred
async def test_a_client_that_says_nothing_is_left_alone(house: House, door: str) -> None:
    await house.enter(door)
    other = await house.enter(DOORS[0])
    for _ in range(20):
        await other.ping()
    assert not any(client.is_closed for client in house.clients)
    assert len(house.gateway.hub.peers) == 2


@pytest_twisted.ensureDeferred
async def test_a_native_client_that_does_not_even_answer_pings_is_cut() -> None:
    house = await build(PING_INTERVAL="0.2", PING_TIMEOUT="0.2")
    other = await house.enter(DOORS[0])
    token, _ = await house.gateway.acquire()
    silent = await RawNative.connect(house.gateway.ws_address, token)
    assert await silent.lost
    assert len(house.gateway.hub.peers) == 1
    await other.ping()
    await house.close()


@pytest.mark.parametrize("door", ["Socket.IO over WebSocket", "Socket.IO over polling"])
@pytest_twisted.ensureDeferred
async def test_a_socketio_client_that_never_joins_is_closed(door: str) -> None:
    house = await build(CONNECT_TIMEOUT="0.05")
    client = await house.engine(door)
    await client.ended()
    await house.close()


@pytest.mark.parametrize("port", ["api_address", "ws_address"])
@pytest_twisted.ensureDeferred
async def test_a_connection_on_which_nothing_comes_is_closed(port: str) -> None:
    house = await build(REQUEST_TIMEOUT="0.05")
    mute = await RawNative.open(getattr(house.gateway, port))
    assert await mute.lost
    await house.close()
