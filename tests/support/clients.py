"""Small clients of the tests' own, one for each way in, all used in the same manner.

    client = await NativeClient.connect(address, token)
    await client.hear()                        # Heard("connected", {…}, None)
    await client.say("echo", "hi", id=1)
    await client.hear()                        # Heard("echo_response", {…}, 1)
    await client.ended()                       # the close code, or why polling ended
"""

from __future__ import annotations

import json
from typing import Any

import attrs
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet import reactor as _reactor
from twisted.internet.defer import CancelledError, Deferred, DeferredQueue, ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint

from tests.support.http import PATIENCE, Answer, Http

reactor: Any = _reactor

# Says nothing: an event without data.
ABSENT: Any = object()


@attrs.frozen
class Heard:
    """One event that came; ``id`` is the native request's. An ``ack`` is the event ``"ack"`` with the packet's id."""

    event: str
    data: Any
    id: Any = None


class WebSocketProtocol(WebSocketClientProtocol):
    """Tells its factory's owner what happens."""

    def onOpen(self) -> None:
        self.factory.opened.callback(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.factory.received(payload if isBinary else payload.decode())

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        if self.factory.opened.called:
            self.factory.lost(code)
        else:
            self.factory.opened.errback(ConnectionError(reason))


async def open_websocket(
    address: str, target: str, owner: Client, headers: dict[str, str] | None = None
) -> WebSocketProtocol:
    """A WebSocket whose messages and end ``owner`` is told."""
    factory = WebSocketClientFactory(f"ws://{address}{target}", headers=headers or {}, reactor=reactor)
    factory.protocol = WebSocketProtocol
    factory.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0, serverConnectionDropTimeout=0)
    factory.noisy = False
    factory.opened = Deferred()
    factory.received, factory.lost = owner.received, owner.lost
    host, _, port = address.partition(":")
    await TCP4ClientEndpoint(reactor, host, int(port)).connect(factory)
    opened: WebSocketProtocol = await factory.opened
    return opened


class Client:
    """What all of them have in common. ``protocol`` and ``transport`` are what the server calls them."""

    protocol = ""
    transport = "websocket"
    token = ""
    id = ""

    def __init__(self) -> None:
        self.closed: Deferred[Any] = Deferred()
        self.is_closed = False
        self._inbox: DeferredQueue[Heard] = DeferredQueue()

    async def hear(self) -> Heard:
        """The next event, acknowledgement or refusal."""
        return await self._inbox.get().addTimeout(PATIENCE, reactor)

    async def expect(self, event: str, data: Any, id: Any = None) -> None:
        """The next thing heard must be this."""
        assert await self.hear() == Heard(event, data, id)

    async def greet(self) -> None:
        """Take the welcome, and remember the id in it."""
        welcome = await self.hear()
        assert welcome.event == "connected", welcome
        self.id = welcome.data["socketId"]

    async def ended(self) -> Any:
        """Wait until the server ends the connection: the close code, or how polling ended."""
        return await self.closed.addTimeout(PATIENCE, reactor)

    async def ping(self) -> None:
        """Make sure that all is well, and that nothing else was on its way."""
        await self.say("ping")
        heard = await self.hear()
        assert heard.event == "pong", heard

    async def say(self, event: str, data: Any = ABSENT, id: Any = None) -> None:
        """Send an event; with an ``id`` its reply is to be told from others."""
        raise NotImplementedError

    async def send_text(self, text: str) -> None:
        """Send what an event is written as, or something else in its place."""
        raise NotImplementedError

    async def send_binary(self, data: bytes) -> None:
        """Send binary data that nobody announced."""
        raise NotImplementedError

    def received(self, message: str | bytes) -> None:
        """Something came."""
        raise NotImplementedError

    def lost(self, code: Any) -> None:
        """The connection is over."""
        if not self.is_closed:
            self.is_closed = True
            self.closed.callback(code)

    async def leave(self) -> None:
        """Hang up, and wait until it is over."""
        raise NotImplementedError


class NativeClient(Client):
    """One JSON text frame per event."""

    protocol = "native-websocket"
    websocket: WebSocketProtocol

    @classmethod
    async def connect(
        cls, address: str, token: str | None, *, path: str = "/ws", headers: dict[str, str] | None = None
    ) -> NativeClient:
        client = cls()
        client.token = token or ""
        query = "" if token is None else f"?token={token}"
        client.websocket = await open_websocket(address, path + query, client, headers)
        return client

    async def say(self, event: str, data: Any = ABSENT, id: Any = None) -> None:
        message = {"event": event} | ({} if data is ABSENT else {"data": data}) | ({} if id is None else {"id": id})
        await self.send_text(json.dumps(message))

    async def send_text(self, text: str) -> None:
        self.websocket.sendMessage(text.encode())

    async def send_binary(self, data: bytes) -> None:
        self.websocket.sendMessage(data, isBinary=True)

    def received(self, message: str | bytes) -> None:
        assert isinstance(message, str), "a binary frame"
        heard = json.loads(message)
        assert heard.keys() in ({"event", "data"}, {"event", "data", "id"}), heard
        self._inbox.put(Heard(**heard))

    async def leave(self) -> None:
        if not self.is_closed:
            self.websocket.sendClose(1000)
            await self.closed


class SocketIOClient(Client):
    """Socket.IO packets, however they travel; ``handshake`` is Engine.IO's, ``prefix`` the namespace if not ``/``."""

    protocol = "socketio"
    prefix = ""
    handshake: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        self.opened: Deferred[None] = Deferred()

    async def join(self, auth: dict[str, Any] | None) -> None:
        """CONNECT. The answer is heard as ``connect`` or ``connect_error``."""
        self.token = str((auth or {}).get("token", self.token))
        await self.send_text(f"0{self.prefix}{'' if auth is None else json.dumps(auth)}")

    async def greet(self) -> None:
        connected = await self.hear()
        assert connected.event == "connect", connected
        assert connected.data.keys() == {"sid"}
        await super().greet()
        assert self.id == connected.data["sid"]

    async def say(self, event: str, data: Any = ABSENT, id: Any = None) -> None:
        args = [event] if data is ABSENT else [event, data]
        await self.send_text(f"2{self.prefix}{'' if id is None else id}{json.dumps(args)}")

    async def send_text(self, text: str) -> None:
        await self.send_packet("4" + text)

    async def send_packet(self, packet: str) -> None:
        """Send an Engine.IO packet."""
        raise NotImplementedError

    def received(self, message: str | bytes) -> None:
        assert isinstance(message, str), "a binary packet"
        kind, rest = message[0], message[1:]
        if kind == "0":
            self.handshake = json.loads(rest)
            self.opened.callback(None)
        elif kind == "1":
            self.lost("closed by the server")
        elif kind == "2":
            ensureDeferred(self.send_packet("3"))
        elif kind == "4":
            self._inbox.put(_heard(rest[0] + rest[1:].removeprefix(self.prefix)))
        else:
            assert message in ("6", "3probe"), message
            if message == "3probe":
                self.probed()

    def probed(self) -> None:
        """The WebSocket works."""


def _heard(packet: str) -> Heard:
    kind = packet[0]
    number, _, _ = packet[1:].partition("[")
    data = packet[1 + len(number) :] if kind in "23" else packet[1:]
    if kind == "2":
        event, payload = json.loads(data)
        return Heard(event, payload)
    if kind == "3":
        return Heard("ack", json.loads(data)[0], int(number))
    name = {"0": "connect", "1": "disconnect", "4": "connect_error"}[kind]
    return Heard(name, json.loads(data) if data.startswith("{") else data)


class WebSocketClient(SocketIOClient):
    """WebSocket from the beginning."""

    websocket: WebSocketProtocol

    @classmethod
    async def connect(
        cls, address: str, *, query: str = "", headers: dict[str, str] | None = None
    ) -> WebSocketClient:
        client = cls()
        target = f"/socket.io/?EIO=4&transport=websocket{query}"
        client.websocket = await open_websocket(address, target, client, headers)
        await client.opened
        return client

    async def send_packet(self, packet: str) -> None:
        self.websocket.sendMessage(packet.encode())

    async def send_binary(self, data: bytes) -> None:
        self.websocket.sendMessage(data, isBinary=True)

    async def leave(self) -> None:
        if not self.is_closed:
            self.websocket.sendClose(1000)
            await self.closed


class PollingClient(SocketIOClient):
    """Long polling: one GET after the other, until somebody closes or it moves to WebSocket."""

    transport = "polling"

    @classmethod
    async def connect(cls, address: str, *, query: str = "", headers: dict[str, str] | None = None) -> PollingClient:
        client = cls()
        client._http = Http()
        client._headers = headers or {}
        client._target = f"http://{address}/socket.io/?EIO=4&transport=polling"
        client._address = address
        await client.poll(query)
        client._target += "&sid=" + client.handshake["sid"]
        client._polling = ensureDeferred(client._keep_polling())
        return client

    async def poll(self, query: str = "") -> None:
        """One GET."""
        answer = await self._http.request("GET", self._target + query, headers=self._headers)
        if answer.status != 200:
            self.lost(answer.status)
            return
        for packet in answer.text.split("\x1e"):
            self.received(packet)

    async def post(self, body: bytes, content_type: str = "text/plain;charset=UTF-8") -> Answer:
        """One POST."""
        return await self._http.request("POST", self._target, headers={"Content-Type": content_type}, body=body)

    async def send_packet(self, packet: str) -> None:
        answer = await self.post(packet.encode())
        assert (answer.status, answer.body) in ((200, b"ok"), (400, answer.body)), answer

    async def send_binary(self, data: bytes) -> None:
        await self.post(b"bAQID")

    async def leave(self) -> None:
        if not self.is_closed:
            await self.post(b"1")
            await self.closed
        self._polling.cancel()
        await self._polling
        await self._http.close()

    async def _keep_polling(self) -> None:
        try:
            while not self.is_closed and self.transport == "polling":
                await self.poll()
        except CancelledError:
            self.lost("cancelled")


class UpgradedClient(PollingClient):
    """Begins with polling, joins there, and moves to WebSocket."""

    websocket: WebSocketProtocol

    async def greet(self) -> None:
        await super().greet()
        self._probed: Deferred[None] = Deferred()
        target = f"/socket.io/?EIO=4&transport=websocket&sid={self.handshake['sid']}"
        self.websocket = await open_websocket(self._address, target, self, self._headers)
        self.websocket.sendMessage(b"2probe")
        await self._probed
        # The server ends the waiting poll with a NOOP.
        self.transport = "websocket"
        await self._polling
        self.websocket.sendMessage(b"5")

    def probed(self) -> None:
        self._probed.callback(None)

    async def send_packet(self, packet: str) -> None:
        if self.transport == "websocket":
            self.websocket.sendMessage(packet.encode())
        else:
            await super().send_packet(packet)

    async def send_binary(self, data: bytes) -> None:
        self.websocket.sendMessage(data, isBinary=True)

    async def leave(self) -> None:
        if self.transport == "websocket" and not self.is_closed:
            self.websocket.sendClose(1000)
            await self.closed
        await super().leave()
