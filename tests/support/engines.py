"""A whole Engine.IO server in memory, from HTTP down to the application, and what its clients do.

    gateway = Gateway(ping_interval=25.0)
    client = gateway.open()                        # the handshake by polling; client.sid
    poll = client.poll()                           # a GET that may wait; poll.answer()
    client.post("4hello")
    socket = gateway.websocket()                   # the handshake by WebSocket; socket.texts()
    gateway.end()                                  # everybody leaves; asserts that nothing is left behind
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from twisted.internet.task import Clock

from tests.support.memory import STRANGER, Answer, HttpClient
from tests.support.websockets import WebSocketClient
from yekta.engineio.connection import Connection
from yekta.engineio.engine import Engine
from yekta.engineio.packet import Packet
from yekta.engineio.resource import EngineResource
from yekta.engineio.settings import Settings
from yekta.web.site import Limits as SiteLimits
from yekta.web.site import Site
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.limits import Limits

PATH = "/socket.io/"


def _nothing(user: User, data: Packet) -> None:
    """What a `User` does by itself."""


@attrs.define(eq=False)
class User:
    """The application's side of one connection. ``told``: every call, in order, but for :meth:`drained`."""

    connection: Connection
    then: Callable[[User, Packet], None]
    told: list[tuple[Any, ...]] = attrs.field(factory=list)
    drains: int = 0

    def message_received(self, data: Packet) -> None:
        self.told.append(("message", data))
        self.then(self, data)

    def text_received(self, packet: bytes) -> None:
        self.message_received(packet[1:].decode())

    def drained(self) -> None:
        self.drains += 1

    def connection_lost(self, reason: str, description: str) -> None:
        self.told.append(("lost", reason, description))

    def messages(self) -> list[Packet]:
        return [data for kind, data, *_ in self.told if kind == "message"]

    def reasons(self) -> list[str]:
        """Why the connection was lost: empty or one."""
        return [reason for kind, reason, *_ in self.told if kind == "lost"]


class Gateway:
    """See the module. ``then`` is called with each message; further keywords are the engine's settings."""

    def __init__(
        self,
        then: Callable[[User, Packet], None] = _nothing,
        short: bool = True,
        clock: Clock | None = None,
        **settings: Any,
    ) -> None:
        self.clock = clock or Clock()
        self.users: list[User] = []
        self.clients: list[HttpClient] = []
        self._then = then
        self.engine = Engine(self.clock, Settings(**settings), self._connected)
        limits = Limits(max_message=self.engine.settings.max_payload, max_queued=self.engine.settings.max_queued)
        self.websockets = WebSocketFactory(self.clock, limits)
        self.websockets.short_opening = short
        resource = EngineResource(self.engine, self.websockets)
        site_limits = SiteLimits(max_body=self.engine.settings.max_payload)
        doors = resource if short else None
        self.site = Site(self.clock, resource, site_limits, resource.refused, resource.body_began, doors)

    def _connected(self, connection: Connection) -> None:
        user = User(connection, self._then)
        connection.handler = user
        self.users.append(user)

    @property
    def user(self) -> User:
        """The application's side of the newest connection."""
        return self.users[-1]

    def client(self, address: str = STRANGER) -> HttpClient:
        """A new HTTP connection."""
        client = HttpClient(self.site, self.clock, address)
        self.clients.append(client)
        return client

    def ask(
        self, query: str, method: str = "GET", headers: Mapping[str, str] = {}, body: bytes = b"", path: str = PATH
    ) -> HttpClient:
        """One request on a new connection; its answer may come later."""
        client = self.client()
        client.request(method, f"{path}?{query}", headers, body)
        return client

    def open(self, headers: Mapping[str, str] = {}) -> PollingClient:
        """The handshake by polling."""
        answer = self.ask("EIO=4&transport=polling", headers=headers).next_answer()
        assert answer.status == 200
        handshake = answer.body.split(b"\x1e")[0]
        assert handshake[:1] == b"0"
        return PollingClient(self, json.loads(handshake[1:])["sid"])

    def websocket(self, query: str = "EIO=4&transport=websocket", headers: Mapping[str, str] = {}) -> WebSocketClient:
        """A WebSocket, accepted or not."""
        return WebSocketClient(self.client(), f"{PATH}?{query}", headers)

    def turn(self) -> None:
        """End the reactor turn: what was collected is sent, what was closed is gone."""
        self.clock.advance(0)

    def end(self) -> None:
        """Everybody leaves."""
        self.engine.close()
        self.turn()
        for client in self.clients:
            if not client.refused:
                client.hang_up()
        self.turn()
        assert self.engine.connections == {}
        assert self.engine.polling.all == 0
        assert self.websockets.count == 0
        assert self.site.census.all == 0
        assert self.clock.getDelayedCalls() == []
        assert all(len(user.reasons()) == 1 for user in self.users)


@attrs.frozen
class PollingClient:
    """A client that polls; each request comes on a connection of its own."""

    gateway: Gateway
    sid: str

    def query(self, transport: str = "polling") -> str:
        return f"EIO=4&transport={transport}&sid={self.sid}"

    def request(self, method: str, body: str | bytes = b"", headers: Mapping[str, str] = {}) -> HttpClient:
        data = body.encode() if isinstance(body, str) else body
        return self.gateway.ask(self.query(), method, headers, data)

    def poll(self) -> HttpClient:
        """A GET, which waits while there is nothing to fetch."""
        return self.request("GET")

    def post(self, body: str | bytes, headers: Mapping[str, str] = {}) -> Answer:
        """A POST, and its answer."""
        return self.request("POST", body, headers).next_answer()

    def probe(self) -> WebSocketClient:
        """A second connection, by WebSocket, that has not said anything yet."""
        return self.gateway.websocket(self.query("websocket"))

    def upgrade(self) -> WebSocketClient:
        """Move to WebSocket, as a client does that is not polling at the moment."""
        socket = self.probe()
        socket.send_text("2probe")
        socket.send_text("5")
        return socket


def body(client: HttpClient) -> str | None:
    """The body of the next answer, which must be 200, or ``None``."""
    answer = client.answer()
    if answer is None:
        return None
    assert answer.status == 200
    return answer.body.decode()
