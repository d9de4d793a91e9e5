"""Events through the native door (CONTRACT "Events"): JSON text frames to and from a WebSocket."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import TimeoutError, ensureDeferred

from yekta import jsontext
from yekta.command.failure import CommandError
from yekta.command.network import Network, base, unreachable, within
from yekta.command.session import bearer
from yekta.command.websocket import WebSocket, connect

NO_EVENT = "The server sent something that is no event."


@attrs.frozen
class Event:
    """``id`` is that of the request it answers."""

    name: str
    data: Any = None
    id: Any = None


@attrs.define(eq=False)
class Native:
    """A connection that has been welcomed."""

    websocket: WebSocket
    welcome: Event

    def send(self, name: str, data: Any = None, id: Any = None) -> None:
        """Send an event."""
        self.websocket.send(jsontext.encode({"event": name, "data": data} | ({} if id is None else {"id": id})))

    async def receive(self) -> Event:
        """The next event. Raises :class:`~yekta.command.websocket.Closed`."""
        return await _receive(self.websocket)


async def enter(network: Network, url: str, token: str) -> Native:
    """Connect to yektayar-api's native path. Raises :class:`CommandError`."""
    return await welcomed(network, f"{base(url)}/ws", bearer(token))


async def welcomed(network: Network, url: str, headers: dict[str, str]) -> Native:
    """Connect, and wait for the welcome."""
    websocket = await connect(network, url, headers)
    try:
        welcome = await within(network.timeout, ensureDeferred(_welcome(websocket)), network.reactor)
    except TimeoutError as error:
        websocket.abort()
        raise unreachable(url, error) from None
    except CommandError:
        websocket.abort()
        raise
    return Native(websocket, welcome)


async def _welcome(websocket: WebSocket) -> Event:
    event = await _receive(websocket)
    if event.name != "connected":
        raise CommandError("The first event is not the welcome.")
    return event


async def _receive(websocket: WebSocket) -> Event:
    try:
        said = jsontext.decode(await websocket.receive())
        event = Event(said["event"], said.get("data"), said.get("id"))
    except (jsontext.NotJson, KeyError, TypeError, AttributeError):
        raise CommandError(NO_EVENT) from None
    if not isinstance(event.name, str):
        raise CommandError(NO_EVENT)
    return event
