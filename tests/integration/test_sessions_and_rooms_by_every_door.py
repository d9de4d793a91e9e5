"""One session, one user, many connections through many doors: who hears what, and whose connections end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor

from tests.support.calls import calls_of
from tests.support.clients import Client, Heard
from tests.support.doors import DOORS, NATIVE, House, every_door, house
from tests.support.gateway import hash_of

__all__ = ["house"]

reactor: Any = _reactor

NEWS = {"text": "خبر", "number": 1}


async def log_out_by_rest(house: House, token: str) -> None:
    url = f"http://{house.gateway.api_address}/api/auth/logout"
    answer = await house.http.request("POST", url, headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 200


async def end_here(house: House, token: str) -> None:
    assert await house.gateway.sessions.end(token, "revoked")


async def end_elsewhere(house: House, token: str) -> None:
    assert await house.gateway.store.end(hash_of(token), "logged out", reactor.seconds())


End = Callable[[House, str], Awaitable[None]]


async def dismissed(client: Client) -> None:
    """The client is told that it is over, and it is."""
    if client.protocol == "socketio":
        assert (await client.hear()).event == "disconnect"
        assert await client.ended() in (1000, "closed by the server")
    else:
        assert await client.ended() == 4401


@pytest.mark.parametrize("end", [log_out_by_rest, end_here, end_elsewhere])
@pytest_twisted.ensureDeferred
async def test_the_end_of_a_session_ends_its_connections_at_every_door_and_no_others(house: House, end: End) -> None:
    token, _ = await house.gateway.acquire("42")
    leaving = [await house.enter(door, token) for door in DOORS]
    other_token, _ = await house.gateway.acquire("42")
    staying = [await house.enter(door, other_token) for door in DOORS]
    await end(house, token)
    for client in leaving:
        await dismissed(client)
    for client in staying:
        await client.ping()
    assert len(house.gateway.hub.peers) == len(staying)


@pytest_twisted.ensureDeferred
async def test_a_session_that_expires_ends_its_connections_at_every_door_and_no_others(house: House) -> None:
    other = await house.enter(DOORS[0])
    token = await house.gateway.acquire_until(reactor.seconds() + 0.6)
    leaving = [await house.enter(door, token) for door in DOORS]
    for client in leaving:
        await dismissed(client)
    await other.ping()


@every_door
@pytest_twisted.ensureDeferred
async def test_a_login_ends_the_anonymous_sessions_connections(house: House, door: str) -> None:
    client = await house.enter(door)
    for path, body in (
        ("register", b'{"name":"Sara","email":"sara@example.org","password":"correct horse"}'),
        ("login", b'{"identifier":"sara@example.org","password":"correct horse","token":"%s"}' % client.token.encode()),
    ):
        answer = await house.http.request(
            "POST",
            f"http://{house.gateway.api_address}/api/auth/{path}",
            headers={"Content-Type": "application/json"},
            body=body,
        )
        assert answer.status == 200, answer.text
    await dismissed(client)
    user = answer.json["data"]["user"]["id"]
    client = await house.enter(door, answer.json["data"]["token"])
    await client.say("status")
    connection = (await client.hear()).data["connection"]
    assert (connection["userId"], connection["isLoggedIn"]) == (user, True)
    assert f"user:{user}" in connection["rooms"]


@pytest_twisted.ensureDeferred
async def test_what_is_said_to_a_user_reaches_all_connections_of_that_user(house: House) -> None:
    theirs = [await house.enter(door, (await house.gateway.acquire("42"))[0]) for door in DOORS]
    others = [await house.enter(door, (await house.gateway.acquire("43"))[0]) for door in DOORS]
    house.gateway.hub.emit("user:42", "news", NEWS)
    for client in theirs:
        await client.expect("news", NEWS)
        await client.ping()
    for client in others:
        await client.ping()


@pytest_twisted.ensureDeferred
async def test_what_is_said_to_a_session_reaches_its_connections_once_each(house: House) -> None:
    token, session = await house.gateway.acquire("42")
    clients = [await house.enter(door, token) for door in DOORS]
    other = await house.enter(DOORS[0], (await house.gateway.acquire("42"))[0])
    for data in (NEWS, None, [1, 2], "text", []):
        house.gateway.hub.emit(f"session:{session.id}", "news", data)
        for client in clients:
            assert await client.hear() == Heard("news", data)
    await other.ping()


@pytest_twisted.ensureDeferred
async def test_a_broadcast_is_written_once_for_each_protocol(house: House) -> None:
    token, _ = await house.gateway.acquire("42")
    clients = [await house.enter(door, token) for door in DOORS * 2]
    calls = calls_of(lambda: house.gateway.hub.emit("user:42", "news", NEWS))
    assert calls["yekta.edge.native.NativeFormat.encode"] == 1
    assert calls["yekta.jsontext.encode_bytes"] == 1
    assert calls["yekta.socketio.message.EventFormat.encode"] == 1
    assert calls["yekta.socketio.message.EventFormat.write"] == 1
    for client in clients:
        await client.expect("news", NEWS)


@every_door
@pytest_twisted.ensureDeferred
async def test_who_has_left_is_in_no_room(house: House, door: str) -> None:
    token, session = await house.gateway.acquire("42")
    client = await house.enter(door, token)
    rooms = house.gateway.socketio.sockets.adapter.rooms
    assert {f"session:{session.id}", "user:42"} <= set(rooms)
    await client.leave()
    other = await house.enter(NATIVE[0])
    await other.ping()
    assert not {f"session:{session.id}", "user:42", client.id} & set(rooms)
    house.gateway.hub.emit("user:42", "news", NEWS)
    await other.ping()
