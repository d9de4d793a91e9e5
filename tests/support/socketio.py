"""Socket.IO clients without a network: a real `Server` and `Engine`, a `Clock`, and transports kept in memory.

    house = House()
    browser = house.browser()
    socket = browser.connect()                    # the server's side of it
    browser.say('2["hello",1]')                   # what a client writes, without Engine.IO's "4"
    assert browser.heard() == ['2["welcome"]']    # what it reads, since it was last asked
    house.close()                                 # and nothing is left
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from twisted.internet.task import Clock

from tests.support.clocks import TwoClocks
from yekta.engineio.connection import TRANSPORT_CLOSE, Connection, State
from yekta.engineio.interfaces import Express, Prepared
from yekta.engineio.packet import MESSAGE, Packet, decode_payload, encode_payload
from yekta.engineio.polling import TRIAL
from yekta.engineio.verify import protocol
from yekta.socketio.adapter import Adapter, InMemoryAdapter
from yekta.socketio.namespace import Namespace
from yekta.socketio.server import Server
from yekta.socketio.settings import Settings
from yekta.socketio.socket import Socket
from yekta.web.request import Request

MakeAdapter = Callable[..., Adapter]


@attrs.define(eq=False)
class MemoryTransport:
    """As a WebSocket: always open for writing. ``flowing`` False: its client does not keep up.

    ``prepared``: what came encoded for many.
    """

    packets: list[Packet] = attrs.field(factory=list)
    prepared: list[Prepared] = attrs.field(factory=list)
    flowing: bool = True
    closed: bool = False
    connection: Connection = attrs.field(init=False)
    name: str = "websocket"
    immediate: bool = True
    writable: bool = True

    @property
    def express(self) -> Express:
        return self

    def send(self, packets: Sequence[Packet], compress: bool = True) -> None:
        self.packets.extend(packets)

    def send_encoded(self, packet: bytes) -> None:
        self.send((packet.decode(),))

    def send_prepared(self, prepared: Prepared) -> None:
        self.prepared.append(prepared)
        self.packets.extend(prepared.packets)

    def close(self) -> None:
        self.closed = True

    def abandon(self) -> None:
        """Nothing is held."""


@attrs.define(eq=False)
class MemoryExchange:
    """One polling request; ``answer`` is what it was answered, status and text."""

    body: bytes = b""
    answer: tuple[int, str] | None = None

    def respond(self, status: int, content_type: str, body: bytes, headers: Mapping[str, str] = {}) -> None:
        assert self.answer is None, "answered twice"
        self.answer = status, body.decode()

    def respond_payload(self, content_type: str, payload: bytes, *, compress: bool) -> None:
        self.respond(200, content_type, payload)


class _Client:
    """What both kinds of client have in common."""

    server: Server
    connection: Connection

    @property
    def open(self) -> bool:
        return self.connection.state is State.OPEN

    def say(self, *messages: Packet) -> None:
        raise NotImplementedError

    def heard(self) -> list[Packet]:
        raise NotImplementedError

    def connect(self, namespace: str = "/", auth: Any = None) -> Socket:
        """Join ``namespace``, spelled so; gives the server's socket."""
        spelling = "" if namespace == "/" else namespace + ","
        self.say(f"0{spelling}{'' if auth is None else json.dumps(auth)}")
        answer = self.heard()[0]
        assert isinstance(answer, str)
        assert answer.startswith(f"0{spelling}" + "{"), answer
        sid = json.loads(answer[1 + len(spelling) :])["sid"]
        socket: Socket = self.connection.handler.socket_in(namespace)  # type: ignore[attr-defined]
        assert socket.id == sid
        return socket


class Browser(_Client):
    """A client on something like a WebSocket."""

    def __init__(self, server: Server, request: Request) -> None:
        self.server = server
        self.transport = MemoryTransport()
        settings = server.engine.settings
        server.engine.begin(request, self.transport, protocol(request, settings), settings.generate_id())
        self.connection = self.transport.connection
        self.transport.packets.clear()

    def say(self, *messages: Packet) -> None:
        for message in messages:
            packet = MESSAGE + message if isinstance(message, str) else message
            if isinstance(packet, str) and self.connection.express is not None:
                self.connection.handler.text_received(packet.encode())
            else:
                self.connection.packet_received(packet)

    def heard(self) -> list[Packet]:
        packets = self.transport.packets[:]
        self.transport.packets.clear()
        return messages_of(packets)

    def cut(self, reason: str = TRANSPORT_CLOSE) -> None:
        """The connection breaks."""
        self.connection.transport_lost(self.transport, reason, "cut")


class PollingBrowser(_Client):
    """A client on long polling; it polls only when told to."""

    def __init__(self, server: Server, clock: Clock, request: Request) -> None:
        self.server = server
        self._clock = clock
        self._request = request
        before = set(server.engine.connections)
        server.engine.poll_received(None, request, MemoryExchange(), {})
        (sid,) = set(server.engine.connections) - before
        self.connection = server.engine.connections[sid]

    def poll(self) -> MemoryExchange:
        """Begin a GET."""
        exchange = MemoryExchange()
        self.server.engine.poll_received(self.connection, self._request, exchange, {})
        return exchange

    def say(self, *messages: Packet) -> None:
        """All of ``messages`` in one POST."""
        packets = [MESSAGE + message if isinstance(message, str) else message for message in messages]
        exchange = MemoryExchange(encode_payload(packets).encode())
        self.server.engine.poll_received(self.connection, attrs.evolve(self._request, method="POST"), exchange, {})
        if exchange.answer is None:
            # Much waits, and a poll might come first.
            self._clock.pump((TRIAL, 0))
        assert exchange.answer == (200, "ok")

    def heard(self) -> list[Packet]:
        """What one poll brings."""
        exchange = self.poll()
        self._clock.advance(0)
        assert exchange.answer is not None
        return messages_of(decode_payload(exchange.answer[1]))


class House:
    """A server with its clock. ``settings``: see `Settings`."""

    def __init__(self, adapter: MakeAdapter = InMemoryAdapter, **settings: Any) -> None:
        self.clock = TwoClocks()
        self.server = Server(self.clock, Settings(**settings), adapter)
        self.namespaces = {"/": self.server.of("/")}

    def of(self, name: str) -> Namespace:
        """The namespace ``name``, to be empty at the end."""
        return self.namespaces.setdefault(name, self.server.of(name))

    def browser(self, headers: Mapping[str, str] = {}, **query: str) -> Browser:
        return Browser(self.server, request(headers, query))

    def poller(self) -> PollingBrowser:
        return PollingBrowser(self.server, self.clock, request({}, {}))

    def close(self) -> None:
        """Close the server; nothing is left."""
        self.server.close()
        self.clock.advance(0)
        self.assert_empty()

    def assert_empty(self) -> None:
        assert not self.server.engine.connections
        assert not self.server.clients
        for namespace in self.namespaces.values():
            assert not namespace.sockets, namespace.name
            assert not namespace.adapter.rooms.everybody(), namespace.name
            assert not list(namespace.adapter.rooms), namespace.name
        assert self.clock.getDelayedCalls() == []


MakeHouse = Callable[..., House]


def request(headers: Mapping[str, str], query: Mapping[str, str]) -> Request:
    """The request that a client's connection begins with."""
    return Request("GET", "/socket.io/", {"EIO": "4", **query}, dict(headers), "192.0.2.7")


def messages_of(packets: Sequence[Packet]) -> list[Packet]:
    """The Engine.IO messages among ``packets``, without their type."""
    return [
        packet[1:] if isinstance(packet, str) else packet
        for packet in packets
        if isinstance(packet, bytes) or packet[0] == MESSAGE
    ]
