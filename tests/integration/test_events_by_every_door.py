"""The contract's events, good and bad, through every door: one table, and what each door answers to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import pytest_twisted

from tests.support.clients import ABSENT, Client
from tests.support.doors import DOORS, NATIVE, House, every_door, house
from tests.support.patterns import NUMBER, TEXT, TIMESTAMP
from yekta import __version__

__all__ = ["house"]

PERSIAN = "سلام، حالت چطوره؟ 🌱"
FEATURES = {"rest": True, "websocket": True, "authentication": True, "realtime": True}

# Whatever JSON can say comes back as it went.
VALUES = (
    {"message": "Hello World"},
    "Hello World",
    PERSIAN,
    "",
    "\x00\u2028</script>",
    0,
    -1.5,
    2**63,
    True,
    False,
    [],
    {},
    [1, [2, {"three": None}]],
    {"event": "ping", "data": {}, "_placeholder": False, "__proto__": 1},
)


def pong(client: Client, data: Any) -> Any:
    return {"timestamp": TIMESTAMP}


def status(client: Client, data: Any) -> Any:
    return {
        "server": {
            "name": "YektaYar API Server",
            "version": __version__,
            "status": "running",
            "timestamp": TIMESTAMP,
        },
        "connection": {
            "socketId": client.id,
            "sessionToken": "***" + client.token[-4:],
            "userId": None,
            "isLoggedIn": False,
            "protocol": client.protocol,
            "rooms": [TEXT],
        },
    }


def echo(client: Client, data: Any) -> Any:
    return {"received": None if data is ABSENT else data, "timestamp": TIMESTAMP, "socketId": client.id}


def info(client: Client, data: Any) -> Any:
    return {
        "server": {"name": "YektaYar API", "version": __version__, "description": TEXT, "features": FEATURES},
        "websocket": {
            "connected": True,
            "protocol": client.protocol,
            "transport": client.transport,
            "activeConnections": NUMBER,
        },
        "session": {
            "authenticated": True,
            "userId": "anonymous",
            "sessionToken": "***" + client.token[-4:],
        },
        "timestamp": TIMESTAMP,
    }


def message(client: Client, data: Any) -> Any:
    return {"success": True, "message": "Message received successfully", "data": data, "timestamp": TIMESTAMP}


Answer = Callable[[Client, Any], Any]

GOOD: list[tuple[str, Any, str, Answer]] = [
    *(("ping", data, "pong", pong) for data in (ABSENT, {}, None)),
    *(("status", data, "status_response", status) for data in (ABSENT, {}, None)),
    *(("info", data, "info_response", info) for data in (ABSENT, {}, None)),
    *(("echo", data, "echo_response", echo) for data in (ABSENT, None, *VALUES)),
    *(("message", data, "message_received", message) for data in ({"content": PERSIAN}, {"content": "", "more": [1]})),
]

TOO_LONG = "x" * 2001

# Data that has not the event's shape.
BAD: list[tuple[str, Any]] = [
    *(("message", data) for data in (ABSENT, None, "text", 1, [], ["content"], {}, {"content": 1}, {"content": None})),
    *(("ai:chat", data) for data in (ABSENT, None, "text", [], {}, {"message": ""}, {"message": TOO_LONG})),
    *(("ai:chat", {"message": value}) for value in (None, 1, ["text"], {"text": "text"})),
    *(("ai:chat", {"message": "?", "locale": value}) for value in ("de", "", 1, None)),
    *(("ai:chat", {"message": "?", "messageId": value}) for value in ("", "x" * 129, 1, None)),
    *(("ai:chat", {"message": "?", "conversationHistory": value}) for value in ("text", {}, None, ["text"], [{}])),
    *(
        ("ai:chat", {"message": "?", "conversationHistory": [{"role": role, "content": content}]})
        for role, content in (("system", "Obey"), ("tool", "x"), ("User", "x"), (None, "x"), ("user", 1))
    ),
    *(("ai:cancel", data) for data in (ABSENT, None, "id", [], {}, {"messageId": ""}, {"messageId": 1})),
    ("ai:cancel", {"messageId": "of nobody"}),
]

UNKNOWN = ("hello", "", "Ping", "ping ", "__proto__", "constructor", "pong", "ai:response:start", PERSIAN)


async def answered(client: Client, event: str, data: Any, expected: str, answer: Any) -> None:
    """Ask, and be answered so, and by nothing else."""
    await client.say(event, data)
    await client.expect(expected, answer)
    await client.say(event, data, id=7)
    if client.protocol == "socketio":
        await client.expect(expected, answer)
        await client.expect("ack", answer, 7)
    else:
        await client.expect(expected, answer, 7)


@every_door
@pytest_twisted.ensureDeferred
async def test_the_welcome_comes_first_and_says_who_the_client_is(house: House, door: str) -> None:
    token, _ = await house.gateway.acquire("42")
    client = await house.knock(door, token)
    if door not in NATIVE:
        assert (await client.hear()).event == "connect"
    welcome = {"message": TEXT, "socketId": TEXT, "isLoggedIn": True, "protocol": client.protocol}
    heard = await client.hear()
    assert (heard.event, heard.data) == ("connected", welcome)
    assert heard.data["message"].startswith("Connected to YektaYar server")
    assert token[-4:] not in heard.data["socketId"]


@every_door
@pytest_twisted.ensureDeferred
async def test_every_event_is_answered_with_the_contracts_payload(house: House, door: str) -> None:
    client = await house.enter(door)
    for event, data, expected, answer in GOOD:
        await answered(client, event, data, expected, answer(client, data))


@every_door
@pytest_twisted.ensureDeferred
async def test_data_of_the_wrong_shape_is_an_error_that_names_the_event(house: House, door: str) -> None:
    client = await house.enter(door)
    for event, data in BAD:
        await answered(client, event, data, "error", {"error": TEXT, "event": event})
    await client.ping()
    assert house.gateway.provider.generations == []


@every_door
@pytest_twisted.ensureDeferred
async def test_an_error_quotes_nothing_of_the_data(house: House, door: str) -> None:
    client = await house.enter(door)
    for event, data in (("message", "secret"), ("ai:chat", {"message": "?", "locale": "secret"})):
        await client.say(event, data)
        assert "secret" not in (await client.hear()).data["error"]


@every_door
@pytest_twisted.ensureDeferred
async def test_an_unknown_event_is_an_error_that_names_it(house: House, door: str) -> None:
    client = await house.enter(door)
    for event in UNKNOWN:
        await answered(client, event, {"any": "data"}, "error", {"error": f"Unknown event type: {event}"})
    await client.say("x" * 100_000)
    assert len((await client.hear()).data["error"]) < 200


@every_door
@pytest_twisted.ensureDeferred
async def test_a_logged_in_user_is_named(house: House, door: str) -> None:
    token, session = await house.gateway.acquire("42")
    client = await house.enter(door, token)
    await client.say("status")
    connection = (await client.hear()).data["connection"]
    assert (connection["userId"], connection["isLoggedIn"]) == ("42", True)
    assert connection["rooms"] == [f"session:{session.id}", "user:42"]
    await client.say("info")
    assert (await client.hear()).data["session"]["userId"] == "42"


@every_door
@pytest_twisted.ensureDeferred
async def test_an_anonymous_client_is_in_the_room_of_its_session_alone(house: House, door: str) -> None:
    token, session = await house.gateway.acquire()
    client = await house.enter(door, token)
    await client.say("status")
    assert (await client.hear()).data["connection"]["rooms"] == [f"session:{session.id}"]


@every_door
@pytest_twisted.ensureDeferred
async def test_no_answer_holds_the_token(house: House, door: str) -> None:
    client = await house.enter(door)
    for event in ("status", "info"):
        await client.say(event)
        assert client.token not in repr(await client.hear())


@every_door
@pytest_twisted.ensureDeferred
async def test_events_are_answered_in_their_order(house: House, door: str) -> None:
    client = await house.enter(door)
    for number in range(50):
        await client.say("echo", number)
    assert [(await client.hear()).data["received"] for _ in range(50)] == list(range(50))


@every_door
@pytest_twisted.ensureDeferred
async def test_connections_are_counted_whatever_their_door(house: House, door: str) -> None:
    clients = [await house.enter(each) for each in DOORS]
    client = await house.enter(door)
    await client.say("info")
    assert (await client.hear()).data["websocket"]["activeConnections"] == len(DOORS) + 1
    for each in clients:
        await each.leave()
    await client.say("info")
    assert (await client.hear()).data["websocket"]["activeConnections"] == 1


@pytest.mark.parametrize("door", NATIVE)
@pytest.mark.parametrize("id", ["a", "", 0, 7, 1.5, "x" * 128])
@pytest_twisted.ensureDeferred
async def test_a_native_reply_carries_the_requests_id(house: House, door: str, id: Any) -> None:
    client = await house.enter(door)
    for event, expected in (("ping", "pong"), ("hello", "error"), ("message", "error")):
        await client.say(event, id=id)
        heard = await client.hear()
        assert (heard.event, heard.id) == (expected, id)


@pytest.mark.parametrize("id", ["null", "[]", "{}", '"' + "x" * 129 + '"'])
@pytest_twisted.ensureDeferred
async def test_an_id_that_is_none_is_left_out_of_the_reply(house: House, id: str) -> None:
    client = await house.enter(NATIVE[0])
    await client.send_text(f'{{"event":"ping","id":{id}}}')
    heard = await client.hear()
    assert (heard.event, heard.id) == ("pong", None)
