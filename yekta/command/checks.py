"""What `check` asks of a port, each promise by its name (CONTRACT "Ports, paths", "Authentication", "Events")."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import quote

import attrs
from twisted.internet.task import deferLater

from yekta.command import engineio
from yekta.command.engineio import SocketIO
from yekta.command.native import welcomed
from yekta.command.network import Answer, Network
from yekta.command.session import bearer
from yekta.socketio import packet as socketio

_REQUIRED = "Authentication token required"
_INVALID = "Invalid or expired session token"
_STRANGER = "https://not-allowed.invalid"
_ID = 1

# Seconds: within which every process over one database has heard that a session has ended, each of which may answer;
# between two looks.
ENDED_WITHIN = 2.0
_LOOK = 0.1


class Unkept(Exception):
    """A promise is not kept; the words are for the report."""


@attrs.frozen
class Port:
    """One service, as its clients see it."""

    network: Network
    url: str
    token: str = attrs.field(repr=False)


@attrs.frozen
class Check:
    """``run(port)`` raises where the promise is broken."""

    name: str
    run: Callable[[Port], Awaitable[None]]


def expect(what: str, found: Any, wanted: Any) -> None:
    """Raise :class:`Unkept` where they differ. Neither may be a secret."""
    if found != wanted:
        raise Unkept(f"{what} is {found!r:.100}, not {wanted!r}.")


async def _health(port: Port) -> None:
    answer = await port.network.request("GET", f"{port.url}/health")
    expect("the status", answer.status, 200)


async def _session(port: Port) -> None:
    answer = await port.network.request("GET", f"{port.url}/api/auth/session", bearer(port.token))
    expect("the status", answer.status, 200)
    expect("success", _field(answer, "success"), True)


async def _no_session(port: Port) -> None:
    answer = await port.network.request("GET", f"{port.url}/api/auth/session")
    expect("the status", answer.status, 401)


rest = (
    Check("health", _health),
    Check("a REST session", _session),
    Check("no REST session without a token", _no_session),
)


async def _logout(port: Port) -> None:
    answer = await port.network.request("POST", f"{port.url}/api/auth/logout", bearer(port.token))
    expect("the status", answer.status, 200)
    clock = port.network.reactor
    end = clock.seconds() + ENDED_WITHIN
    while True:
        after = await port.network.request("GET", f"{port.url}/api/auth/session", bearer(port.token))
        if after.status == 401:
            return
        if after.status != 200 or clock.seconds() >= end:
            raise Unkept(f"It goes on: HTTP {after.status}.")
        await deferLater(clock, _LOOK)


session_ends = Check("the session ends", _logout)


async def _information(port: Port) -> None:
    answer = await port.network.request("GET", f"{port.url}/")
    expect("the status", answer.status, 200)
    if answer.json is None:
        raise Unkept("The answer is not JSON.")


websocket_information = Check("server information", _information)


async def _socketio(opening: Any, port: Port) -> None:
    client: SocketIO = await opening(port.network, port.url)
    joined = await client.join({"token": port.token})
    expect("the answer to CONNECT", joined.type, socketio.CONNECT)
    name, _ = await client.event()
    expect("the first event", name, "connected")
    pong = await client.call("ping", {})
    if not isinstance(pong, dict) or "timestamp" not in pong:
        raise Unkept("A ping is not acknowledged with the time.")
    await client.transport.close()


async def _socketio_refusal(opening: Any, auth: dict[str, str], words: str, port: Port) -> None:
    client: SocketIO = await opening(port.network, port.url)
    answer = await client.join(auth)
    expect("the answer to CONNECT", answer.type, socketio.CONNECT_ERROR)
    expect("its message", answer.data.get("message") if isinstance(answer.data, dict) else answer.data, words)
    await client.transport.close()


async def _native(by_query: bool, port: Port) -> None:
    query = f"?token={quote(port.token)}" if by_query else ""
    client = await welcomed(port.network, f"{port.url}/ws{query}", {} if by_query else bearer(port.token))
    client.send("ping", id=_ID)
    while (event := await client.receive()).id != _ID:
        pass
    expect("the reply to a ping", event.name, "pong")
    client.websocket.close()


async def _native_refusal(headers: dict[str, str], status: int, words: str, port: Port) -> None:
    answer = await port.network.request("GET", f"{port.url}/ws", {**_upgrade(), **headers})
    expect("the status", answer.status, status)
    expect("the text", answer.text, words)


async def _polling_refusal(port: Port) -> None:
    url = f"{port.url}/socket.io/?EIO=4&transport=polling"
    answer = await port.network.request("GET", url, {"Origin": _STRANGER})
    expect("the status", answer.status, 403)


def _upgrade() -> dict[str, str]:
    # As RFC 6455, 4.1, asks for it; the answer that is hoped for is plain HTTP.
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }


def _field(answer: Answer, name: str) -> Any:
    return answer.json.get(name) if isinstance(answer.json, dict) else None


def _unknown() -> str:
    return secrets.token_urlsafe(32)


_TRANSPORTS = {
    "polling": engineio.over_polling,
    "WebSocket": engineio.over_websocket,
    "polling, then WebSocket": engineio.upgraded,
}

DOORS = (
    *(Check(f"Socket.IO by {name}", partial(_socketio, opening)) for name, opening in _TRANSPORTS.items()),
    *(
        check
        for name, opening in list(_TRANSPORTS.items())[:2]
        for check in (
            Check(
                f"Socket.IO by {name} without a token is refused",
                partial(_socketio_refusal, opening, {}, _REQUIRED),
            ),
            Check(
                f"Socket.IO by {name} with a wrong token is refused",
                partial(_socketio_refusal, opening, {"token": _unknown()}, _INVALID),
            ),
        )
    ),
    Check("native, token in the query", partial(_native, True)),
    Check("native, token in a header", partial(_native, False)),
    Check("native without a token is refused", partial(_native_refusal, {}, 401, _REQUIRED)),
    Check("native with a wrong token is refused", partial(_native_refusal, bearer(_unknown()), 401, _INVALID)),
    Check(
        "native from an Origin that is not allowed is refused",
        partial(_native_refusal, {"Origin": _STRANGER}, 403, "Origin not allowed"),
    ),
    Check("polling from an Origin that is not allowed is refused", _polling_refusal),
)
