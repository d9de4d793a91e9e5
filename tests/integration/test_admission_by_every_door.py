"""Who may come in, through every door: tokens and where they are taken from, refusals, Origins, namespaces."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor

from tests.support.clients import Client
from tests.support.doors import NATIVE, SOCKETIO, House, every_door, every_native_door, every_socketio_door, house
from tests.support.http import Answer

__all__ = ["house"]

reactor: Any = _reactor

REQUIRED = "Authentication token required"
INVALID = "Invalid or expired session token"
FAILED = "Authentication failed"

UPGRADE = {"Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "A" * 22 + "=="}
FOREIGN = {"Origin": "http://evil.example"}
PAGE = {"Origin": "http://localhost:5173"}

NO_TOKENS = (None, "")
BAD_TOKENS = ("x", "x" * 43, "é" * 43, "x" * 10_000, "-" * 43, "' OR 1=1 --")


async def knock(house: House, door: str, query: str = "", headers: dict[str, str] | None = None) -> Answer:
    """What an upgrade that is refused is answered."""
    address = house.gateway.api_address if door == NATIVE[0] else house.gateway.ws_address
    return await house.http.request("GET", f"http://{address}/ws{query}", headers={**UPGRADE, **(headers or {})})


async def refusal(house: House, door: str, token: Any) -> tuple[int, str]:
    """The status and the text of a refusal; of Socket.IO's, which has no status, 0."""
    if door in NATIVE:
        answer = await knock(house, door, "" if token is None else f"?token={token}")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        return answer.status, answer.text
    client = await house.engine(door)
    await client.join(None if token is None else {"token": token})
    heard = await client.hear()
    assert heard.event == "connect_error"
    assert heard.data.keys() == {"message"}
    return 0, heard.data["message"]


def status(door: str, number: int) -> int:
    return number if door in NATIVE else 0


@every_door
@pytest_twisted.ensureDeferred
async def test_a_token_is_required(house: House, door: str) -> None:
    for token in NO_TOKENS:
        assert await refusal(house, door, token) == (status(door, 401), REQUIRED)


@every_door
@pytest_twisted.ensureDeferred
async def test_a_wrong_token_is_refused(house: House, door: str) -> None:
    for token in BAD_TOKENS:
        if token.isascii() or door not in NATIVE:
            assert await refusal(house, door, token.replace(" ", "+")) == (status(door, 401), INVALID)


@every_door
@pytest_twisted.ensureDeferred
async def test_an_expired_token_is_refused(house: House, door: str) -> None:
    token = await house.gateway.acquire_until(reactor.seconds() - 1)
    assert await refusal(house, door, token) == (status(door, 401), INVALID)


@every_door
@pytest_twisted.ensureDeferred
async def test_a_logged_out_token_is_refused(house: House, door: str) -> None:
    token, _ = await house.gateway.acquire()
    await (await house.enter(door, token)).leave()
    await house.gateway.sessions.end(token)
    assert await refusal(house, door, token) == (status(door, 401), INVALID)


@every_door
@pytest_twisted.ensureDeferred
async def test_nobody_is_refused_for_good_while_the_store_is_down(house: House, door: str) -> None:
    token = await house.gateway.acquire_until(reactor.seconds() + 60)
    house.gateway.store.is_down = True
    assert await refusal(house, door, token) == (status(door, 503), FAILED)
    house.gateway.store.is_down = False
    await (await house.enter(door, token)).ping()


@every_door
@pytest_twisted.ensureDeferred
async def test_a_refusal_does_not_echo_the_token(house: House, door: str) -> None:
    token = secrets.token_urlsafe(32)
    assert token[:8] not in (await refusal(house, door, token))[1]


@every_socketio_door
@pytest_twisted.ensureDeferred
async def test_a_refused_socketio_client_may_try_again_on_the_same_connection(house: House, door: str) -> None:
    client = await house.engine(door)
    await client.join({"token": "x" * 43})
    assert (await client.hear()).event == "connect_error"
    token, _ = await house.gateway.acquire()
    await client.join({"token": token})
    await client.greet()
    await client.ping()


# Where a token is put: g is a good one, b a bad one, None is nothing. The last says whether the client gets in.
SOCKETIO_TOKENS = (
    ("g", None, None, True),
    (None, "g", None, True),
    (None, None, "g", True),
    ("g", "b", "b", True),
    ("b", "g", "g", False),
    (None, "g", "b", True),
    (None, "b", "g", False),
    ("", "g", "b", True),
    ("", "", "g", True),
    (5, "g", None, True),
    (["g"], None, "g", True),
)
NATIVE_TOKENS = (("g", None, True), (None, "g", True), ("g", "b", True), ("b", "g", False), ("", "g", True))


@pytest.mark.parametrize("door", SOCKETIO)
@pytest.mark.parametrize(("auth", "query", "bearer", "enters"), SOCKETIO_TOKENS)
@pytest_twisted.ensureDeferred
async def test_where_a_socketio_token_is_taken_from(
    house: House, door: str, auth: Any, query: str | None, bearer: str | None, enters: bool
) -> None:
    good, _ = await house.gateway.acquire()
    tokens = {"g": good, "b": "x" * 43}
    client = await house.engine(
        door,
        query="" if query is None else "&token=" + tokens.get(query, query),
        headers=None if bearer is None else {"Authorization": f"Bearer {tokens[bearer]}"},
    )
    token = tokens.get(auth, auth) if isinstance(auth, str) else auth
    await client.join(None if auth is None else {"token": token})
    heard = await client.hear()
    assert heard.event == ("connect" if enters else "connect_error"), heard


@every_native_door
@pytest.mark.parametrize(("query", "bearer", "enters"), NATIVE_TOKENS)
@pytest_twisted.ensureDeferred
async def test_where_a_native_token_is_taken_from(
    house: House, door: str, query: str | None, bearer: str | None, enters: bool
) -> None:
    good, _ = await house.gateway.acquire()
    tokens = {"g": good, "b": "x" * 43}
    token = None if query is None else tokens.get(query, query)
    headers = {} if bearer is None else {"Authorization": f"Bearer {tokens[bearer]}"}
    if enters:
        client = await house.native(door, token, headers=headers)
        client.token = good
        await client.greet()
        await client.say("status")
        assert (await client.hear()).data["connection"]["sessionToken"] == "***" + good[-4:]
    else:
        assert (await knock(house, door, f"?token={token}", headers)).text == INVALID


@pytest.mark.parametrize(
    ("authorization", "text"),
    [
        ("bearer {}", None),
        ("BEARER {}", None),
        ("Bearer   {}", None),
        ("{}", REQUIRED),
        ("Basic {}", REQUIRED),
        ("Bearer", REQUIRED),
        ("Bearer {},", INVALID),
    ],
)
@pytest_twisted.ensureDeferred
async def test_how_an_authorization_header_is_read(house: House, authorization: str, text: str | None) -> None:
    token, _ = await house.gateway.acquire()
    headers = {"Authorization": authorization.format(token)}
    if text is None:
        client: Client = await house.native(NATIVE[0], None, headers=headers)
        await client.greet()
        client = await house.engine(SOCKETIO[0], headers=headers)
        await client.join(None)  # type: ignore[attr-defined]
        await client.greet()
    else:
        assert (await knock(house, NATIVE[0], "", headers)).text == text


@every_native_door
@pytest_twisted.ensureDeferred
async def test_a_foreign_page_is_refused_natively(house: House, door: str) -> None:
    token, _ = await house.gateway.acquire()
    answer = await knock(house, door, f"?token={token}", FOREIGN)
    assert (answer.status, answer.text) == (403, "Origin not allowed")
    client = await house.native(door, token, headers=PAGE)
    await client.greet()


@pytest.mark.parametrize("port", ["api_address", "ws_address"])
@pytest.mark.parametrize(("transport", "upgrade"), [("polling", {}), ("websocket", UPGRADE)])
@pytest_twisted.ensureDeferred
async def test_a_foreign_page_is_refused_by_socketio(
    house: House, port: str, transport: str, upgrade: dict[str, str]
) -> None:
    url = f"http://{getattr(house.gateway, port)}/socket.io/?EIO=4&transport={transport}"
    answer = await house.http.request("GET", url, headers={**upgrade, **FOREIGN})
    assert (answer.status, answer.json) == (403, {"code": 4, "message": "Origin not allowed"})
    assert "access-control-allow-origin" not in answer.headers
    assert house.gateway.socketio.engine.connections == {}


@every_socketio_door
@pytest_twisted.ensureDeferred
async def test_an_allowed_page_enters_by_socketio(house: House, door: str) -> None:
    client = await house.engine(door, headers=PAGE)
    token, _ = await house.gateway.acquire()
    await client.join({"token": token})
    await client.greet()


@every_socketio_door
@pytest.mark.parametrize("namespace", ["/socket.io", "/socket.io/", "/ws"])
@pytest_twisted.ensureDeferred
async def test_a_url_path_taken_for_a_namespace_is_the_same_namespace(
    house: House, door: str, namespace: str
) -> None:
    plain = await house.enter(door)
    client = await house.engine(door, namespace=namespace)
    await client.join({"token": plain.token})
    await client.greet()
    await client.ping()
    await client.say("status")
    session = (await client.hear()).data["connection"]["rooms"][0]
    house.gateway.hub.emit(session, "news", 1)
    for each in (plain, client):
        await each.expect("news", 1)
