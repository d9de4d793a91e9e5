"""The whole library in memory: HTTP, Engine.IO and Socket.IO of a real `Server`, and clients that write each byte.

    library = Library(recovery=Recovery())         # options of `Server`
    client = library.client("upgraded")            # or "websocket", "polling"; `protocol=3` for Socket.IO 2's
    client.say('0{"token":"x"}')                   # Socket.IO messages, text or bytes
    client.heard()                                 # what came since it was last asked; `read()`: its JSON
    client.cut()                                   # the connection breaks
    library.end()                                  # everybody leaves; asserts that nothing is left
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakSet

from twisted.internet.task import Clock

from tests.support.memory import Answer, HttpClient
from tests.support.websockets import BINARY, TEXT, WebSocketClient
from yekta.engineio import eio3
from yekta.engineio.connection import Connection, State
from yekta.engineio.packet import MESSAGE, NOOP, OPEN, PONG_PROBE, Packet, decode_payload, encode_payload
from yekta.socketio.namespace import Namespace
from yekta.socketio.packet import decode_text
from yekta.socketio.server import Server

PATH = "/socket.io/"
KINDS = ("polling", "websocket", "upgraded")

# As a browser's.
JAVASCRIPT = {"User-Agent": "Mozilla/5.0"}


class Library:
    """See the module."""

    def __init__(self, clock: Clock | None = None, **options: Any) -> None:
        self.clock = clock or Clock()
        self.server = Server(self.clock, **options)
        self.site = self.server.factory()
        self.connections: list[HttpClient] = []
        self.namespaces: WeakSet[Namespace] = WeakSet()
        self.server.on_new_namespace(self.namespaces.add)

    def http(self) -> HttpClient:
        """A new HTTP connection."""
        client = HttpClient(self.site, self.clock)
        self.connections.append(client)
        return client

    def ask(self, query: str, method: str = "GET", headers: Mapping[str, str] = {}, body: bytes = b"") -> HttpClient:
        """One request on a new connection."""
        client = self.http()
        client.request(method, f"{PATH}?{query}", headers, body)
        return client

    def client(
        self, kind: str = "websocket", query: str = "", headers: Mapping[str, str] = {}, protocol: int = 4
    ) -> Client:
        """A client that has finished its handshake, and its upgrade."""
        if kind == "websocket":
            return SocketClient(self, query, headers, protocol)
        polling = PollingClient(self, query, headers, protocol)
        return polling if kind == "polling" else polling.upgrade()

    def joined(self, kind: str = "websocket", auth: Any = None, namespace: str = "", **more: Any) -> Client:
        """A client that has also joined ``namespace``; its welcome is to be heard."""
        client = self.client(kind, **more)
        spelling = f"{namespace}," if namespace else ""
        client.say(f"0{spelling}{'' if auth is None else json.dumps(auth)}")
        return client

    def turn(self) -> None:
        """End the reactor turn."""
        self.clock.advance(0)

    def end(self) -> None:
        """Everybody leaves, and nothing is left."""
        self.server.close()
        self.turn()
        for client in self.connections:
            if not client.refused:
                client.hang_up()
        self.turn()
        self.assert_empty()

    def assert_empty(self) -> None:
        """Nobody is there, and nothing is to come."""
        self.assert_gone()
        assert self.site.census.all == 0
        assert self.clock.getDelayedCalls() == []

    def assert_gone(self) -> None:
        """Nobody is there."""
        server = self.server
        assert server.engine.connections == {}
        assert not server.clients
        assert server.websockets.count == 0
        for namespace in self.namespaces:
            assert namespace.sockets == {}
            assert namespace._recoverable == {}
            assert namespace._admissions == 0
            assert not namespace.adapter.rooms.everybody()
            assert list(namespace.adapter.rooms) == []


class Client:
    """What all kinds have in common. ``handshake`` is Engine.IO's."""

    library: Library
    handshake: dict[str, Any]
    protocol: int

    @property
    def connection(self) -> Connection:
        """The server's side; kept when it is over."""
        return self._connection

    def _opened(self, packet: Packet) -> None:
        assert isinstance(packet, str)
        assert packet[0] == OPEN, packet
        self.handshake = json.loads(packet[1:])
        self._connection: Connection = self.library.server.engine.connections[self.handshake["sid"]]

    @property
    def open(self) -> bool:
        return self._connection.state is State.OPEN

    def say(self, *messages: Packet) -> None:
        """Send Socket.IO messages."""
        self.send(*(MESSAGE + message if isinstance(message, str) else message for message in messages))

    def heard(self) -> list[Packet]:
        """The Socket.IO messages that came since the last time."""
        packets = [packet for packet in self.packets() if isinstance(packet, bytes) or packet[0] == MESSAGE]
        return [packet[1:] if isinstance(packet, str) else packet for packet in packets]

    def read(self) -> list[Any]:
        """The same, as the values that their texts carry."""
        return [decode_text(message)[0].data for message in self.heard() if isinstance(message, str)]

    def send(self, *packets: Packet) -> None:
        """Send Engine.IO packets."""
        raise NotImplementedError

    def packets(self) -> list[Packet]:
        """The Engine.IO packets that came since the last time."""
        raise NotImplementedError

    def cut(self) -> None:
        """The connection breaks, as the server sees it."""
        raise NotImplementedError


class PollingClient(Client):
    """A client that polls when it is asked what it heard."""

    def __init__(self, library: Library, query: str, headers: Mapping[str, str], protocol: int) -> None:
        self.library = library
        self.protocol = protocol
        self._query = query
        self._headers = headers
        self._sid = ""
        # As a browser does: one connection for polls, one for posts.
        self._lines: dict[str, HttpClient] = {}
        answer = self.request("GET").next_answer()
        assert answer.status == 200, answer
        first, *self._unread = self._decode(answer)
        self._opened(first)
        self._sid = f"&sid={self.handshake['sid']}"

    @property
    def lines(self) -> list[HttpClient]:
        """The HTTP connections of this client."""
        return list(self._lines.values())

    def query(self, transport: str = "polling") -> str:
        return f"EIO={self.protocol}&transport={transport}{self._sid}{self._query}"

    def request(self, method: str, body: bytes = b"", headers: Mapping[str, str] = {}) -> HttpClient:
        """One request of this client; only its last answer is read from what is returned."""
        line = self._lines.get(method)
        if line is None or line.transport.disconnecting or line.transport.lost:
            line = self._lines[method] = self.library.http()
        line.request(method, f"{PATH}?{self.query()}", {**self._headers, **headers}, body)
        return line

    def send(self, *packets: Packet) -> None:
        answer = self.post(self._encode(packets))
        assert (answer.status, answer.body) == (200, b"ok"), answer

    def post(self, body: bytes) -> Answer:
        """One POST, and its answer."""
        return self.request("POST", body).next_answer()

    def packets(self) -> list[Packet]:
        poll = self.request("GET")
        self.library.turn()
        answer = poll.answer()
        if answer is None:
            # Nothing came; this poll must not end the connection by going away.
            self._connection.transport.send((NOOP,))
            answer = poll.answer()
        assert answer is not None
        unread, self._unread = self._unread, []
        return unread + (self._decode(answer) if answer.status == 200 else [])

    def cut(self) -> None:
        if self.request("GET").answer() is not None and self.open:
            # That poll was answered with what had waited.
            self.request("GET")
        for line in self._lines.values():
            line.hang_up()

    def upgrade(self) -> SocketClient:
        """Move to WebSocket."""
        return SocketClient(self.library, self._query, self._headers, self.protocol, self)

    def _encode(self, packets: tuple[Packet, ...]) -> bytes:
        if self.protocol == 3:
            return eio3.encode_payload(packets, binary=False)[1]
        return encode_payload(packets).encode()

    def _decode(self, answer: Answer) -> list[Packet]:
        if self.protocol == 3:
            return list(eio3.split_payload(answer.headers["content-type"], answer.body))
        return decode_payload(answer.body.decode())


class SocketClient(Client):
    """A client on WebSocket, from its beginning or after an upgrade from ``polling``."""

    def __init__(
        self,
        library: Library,
        query: str,
        headers: Mapping[str, str],
        protocol: int,
        polling: PollingClient | None = None,
    ) -> None:
        self.library = library
        self.protocol = protocol
        target = polling.query("websocket") if polling else f"EIO={protocol}&transport=websocket{query}"
        self.websocket = WebSocketClient(library.http(), f"{PATH}?{target}", headers)
        assert self.websocket.accepted, self.websocket.answer
        self._read = 0
        self.polling = polling
        if polling is None:
            self._unread: list[Packet] = []
            first, *self._unread = self.packets()
            self._opened(first)
        else:
            self.handshake, self._connection = polling.handshake, polling.connection
            self._unread = []
            self.send("2probe")
            assert self.packets() == [PONG_PROBE]
            self._unread = polling.packets()
            self.send("5")

    def send(self, *packets: Packet) -> None:
        for packet in packets:
            if isinstance(packet, str):
                self.websocket.send_text(packet)
            else:
                self.websocket.send_binary(eio3.BINARY_MESSAGE + packet if self.protocol == 3 else packet)

    def packets(self) -> list[Packet]:
        self.library.turn()
        frames = self.websocket.frames()
        new, self._read = frames[self._read :], len(frames)
        unread, self._unread = self._unread, []
        return unread + [self._packet(kind, data) for kind, data in new if kind in (TEXT, BINARY)]

    def closing(self) -> int | None:
        """The server's close code, once it has said one."""
        close = self.websocket.close()
        return None if close is None else close[0]

    def _packet(self, kind: int, data: bytes) -> Packet:
        if kind == TEXT:
            text = data.decode()
            return b64decode(text[2:]) if self.protocol == 3 and text.startswith("b4") else text
        if self.protocol == 3:
            assert data[:1] == eio3.BINARY_MESSAGE
            return data[1:]
        return data

    def cut(self) -> None:
        self.websocket.transport.lose()


# Makes one with such options.
Start = Callable[..., Library]
