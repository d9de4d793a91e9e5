"""Lives of clients of every kind, made up by chance, and cut off at any moment.

    crowd = Crowd(library, Random(1), at_once=50)
    crowd.live(10_000)                             # so many have lived, each to its own end
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import deferLater

from tests.support.library import JAVASCRIPT, Client, Library, PollingClient, SocketClient
from tests.support.websockets import TEXT, WebSocketClient, client_frame
from yekta.socketio.errors import ConnectError
from yekta.socketio.socket import Socket

KINDS = ("polling", "websocket", "upgraded")
DYNAMIC = re.compile(r"^/dyn-\d$")

Life = Iterator[None]


def furnish(library: Library) -> Counter[str]:
    """What an application may do: think, wait, ask, send away. Gives how often what happened."""
    io, clock = library.server, library.clock
    happened: Counter[str] = Counter()

    @io.of(DYNAMIC).use
    @io.use
    async def think(socket: Socket) -> None:
        thought = socket.handshake.auth.get("think")
        happened[f"thought {thought}"] += 1
        if thought:
            # A thought that never ends must end with its client.
            await (Deferred() if thought == "for ever" else deferLater(clock, 3.0))
        if "refuse" in socket.handshake.auth:
            happened["refused"] += 1
            raise ConnectError("no")

    @io.of(DYNAMIC).on_connection
    @io.on_connection
    def connected(socket: Socket) -> None:
        happened["recovered" if socket.recovered else "connected"] += 1
        socket.on("disconnect")(lambda reason: happened.update([reason]))
        socket.emit("welcome", b"\x01")
        socket.join("everybody", f"room-{len(socket.namespace.sockets) % 7}")

        @socket.on("slow")
        async def slow(how: str | None) -> str:
            happened[f"slow {how}"] += 1
            await (Deferred() if how == "for ever" else deferLater(clock, 3.0))
            return "done"

        @socket.on("ask")
        def ask() -> None:
            socket.emit_with_ack("question").addErrback(lambda _: None)
            socket.timeout(5).emit_with_ack("question").addErrback(lambda _: None)

        @socket.on("all")
        def tell_all(data: Any) -> None:
            socket.namespace.to("room-1").timeout(5).emit_with_ack("question").addErrback(lambda _: None)
            socket.broadcast.volatile.emit("news", data)

        socket.on("leave")(lambda: socket.disconnect())
        socket.on("close")(lambda: socket.disconnect(close=True))
        socket.on("echo")(lambda *args: args)

    return happened


class Crowd:
    """See the module. ``pids``: of sessions that may be recovered."""

    def __init__(self, library: Library, random: Random, at_once: int) -> None:
        self.library = library
        self.random = random
        self.pids: list[str] = []
        self._at_once = at_once
        self._ends: dict[Life, list[Callable[[], None]]] = {}

    def live(self, count: int) -> None:
        """Let ``count`` clients live, some at once, each step of each at a random moment."""
        lives: list[Life] = []
        while count or lives:
            if count and len(lives) < self._at_once:
                count -= 1
                lives.append(self._begin())
            index = self.random.randrange(len(lives))
            life = lives[index]
            if self.random.random() < 0.1 or next(life, life) is life:
                lives[index] = lives[-1]
                lives.pop()
                self._end(life)
            if self.random.random() < 0.2:
                self.library.clock.advance(self.random.random() * 0.4)

    def _begin(self) -> Life:
        kind = self.random.choice((*KINDS, *KINDS, "eio3", "eio3", "msgpack", "half a request", "half a handshake"))
        ends: list[Callable[[], None]] = []
        makers = {"eio3": self._eio3, "msgpack": self._msgpack, "half a request": self._half}
        life = makers.get(kind, self._ordinary)(ends, kind)
        self._ends[life] = ends
        return life

    def _end(self, life: Life) -> None:
        """The network takes it, wherever it is."""
        life.close()  # type: ignore[attr-defined]
        for end in self._ends.pop(life):
            end()
        self.library.connections = [each for each in self.library.connections if each.transport.lost is None]

    # -- lives -----------------------------------------------------------------------------------------------

    def _client(self, ends: list[Callable[[], None]], kind: str, protocol: int = 4) -> Client:
        headers = JAVASCRIPT if self.random.random() < 0.5 else {}
        client = self.library.client(kind, headers=headers, protocol=protocol)
        ends.append(lambda: self._cut(client))
        return client

    def _cut(self, client: Client) -> None:
        reason = self.random.choice((ConnectionDone, ConnectionLost))
        if isinstance(client, SocketClient):
            lines = [client.websocket.http, *(client.polling.lines if client.polling else ())]
        else:
            assert isinstance(client, PollingClient)
            lines = list(client.lines)
            if self.random.random() < 0.5:
                client.request("GET")
        for line in lines:
            line.transport.lose(reason)

    def _ordinary(self, ends: list[Callable[[], None]], kind: str) -> Life:
        if kind == "half a handshake":
            yield from self._probe(ends)
            return
        client = self._client(ends, kind)
        yield
        names = [self.random.choice(("", f"/dyn-{self.random.randrange(5)},")) for _ in range(2)]
        for name in dict.fromkeys(names):
            self._say(client, f"0{name}{self._auth()}")
            yield
            self._hear(client)
        for _ in range(self.random.randrange(6)):
            self._act(client, names[0])
            yield
            self._hear(client)

    def _eio3(self, ends: list[Callable[[], None]], kind: str) -> Life:
        client = self._client(ends, self.random.choice(KINDS), 3)
        yield
        self._say(client, '2["all","x"]', "0/dyn-1?token=x")
        yield
        for _ in range(self.random.randrange(4)):
            self._act(client, "")
            if client.open:
                client.send("2")
            yield

    def _msgpack(self, ends: list[Callable[[], None]], kind: str) -> Life:
        client = self._client(ends, self.random.choice(KINDS))
        yield
        for kind_of_packet, data in ((0, {"think": "a while"}), (2, ["slow"]), (2, ["ask"]), (3, [1])):
            self._say(client, msgspec.msgpack.encode({"type": kind_of_packet, "nsp": "/", "data": data, "id": 1}))
            yield

    def _half(self, ends: list[Callable[[], None]], kind: str) -> Life:
        http = self.library.http()
        ends.append(lambda: http.transport.lose(ConnectionLost))
        http.send(b"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n")
        yield
        http.send(b"\r\n40")
        yield

    def _probe(self, ends: list[Callable[[], None]]) -> Life:
        client = self._client(ends, "polling")
        assert isinstance(client, PollingClient)
        yield
        socket = WebSocketClient(self.library.http(), f"/socket.io/?{client.query('websocket')}")
        ends.append(lambda: socket.transport.lose(ConnectionLost))
        yield
        if self.random.random() < 0.5:
            socket.send_text("2probe")
            yield
        socket.send(client_frame(TEXT, b"never finished")[:-3])
        yield

    # -- what they do ----------------------------------------------------------------------------------------

    def _auth(self) -> str:
        choice = self.random.randrange(6)
        if choice == 0 and self.pids:
            return json.dumps({"pid": self.random.choice(self.pids)})
        return ('{"think":"a while"}', '{"think":"for ever"}', '{"refuse":1}', "", "", "")[choice]

    def _act(self, client: Client, name: str) -> None:
        echo, bytes_to = f'2{name}1["echo",1]', '{"_placeholder":true,"num":0}'
        acts: tuple[tuple[str | bytes, ...], ...] = (
            (f'2{name}["slow"]', echo),
            (f'2{name}["slow","for ever"]', echo),
            (f'2{name}["ask"]',),
            (f'2{name}["all","x"]',),
            (f'51-{name}["echo",{bytes_to}]',),
            (f'51-{name}["all",{bytes_to}]', b"x"),
            (f"3{name}1[]", f"3{name}2[5]"),
            (f"1{name}",),
            (f'2{name}["leave"]',),
            (f'2{name}["close"]',),
            ("nonsense",),
        )
        self._say(client, *self.random.choice(acts))

    def _say(self, client: Client, *messages: str | bytes) -> None:
        if client.open:
            client.say(*messages)

    def _hear(self, client: Client) -> None:
        """Read, with what a client does by itself: it remembers its pid, and answers pings."""
        if not client.open:
            return
        for packet in client.packets():
            if packet == "2" and client.open and self.random.random() < 0.8:
                client.send("3")
            elif isinstance(packet, str) and '"pid":"' in packet:
                self.pids = [*self.pids[-50:], packet.rpartition('"pid":"')[2][:20]]
