"""Events through the native door (CONTRACT "Events"): JSON text frames to and from a WebSocket."""

from __future__ import annotations

from typing import Any

import attrs

from yekta import jsontext
from yekta.command.failure import CommandError
from yekta.command.network import Network, base
from yekta.command.session import bearer
from yekta.command.websocket import WebSocket, connect


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
    welcome = await _receive(websocket)
    if welcome.name != "connected":
        raise CommandError("The first event is not the welcome.")
    return Native(websocket, welcome)


async def _receive(websocket: WebSocket) -> Event:
    try:
        said = jsontext.decode(await websocket.receive())
        return Event(said["event"], said.get("data"), said.get("id"))
    except (jsontext.NotJson, KeyError, TypeError, AttributeError):
        raise CommandError("The server sent something that is no event.") from None
