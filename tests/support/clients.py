"""Small clients of the tests' own, one for each way in, all used in the same manner; Socket.IO's are next door.

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
from twisted.internet.defer import Deferred, DeferredQueue
from twisted.internet.endpoints import TCP4ClientEndpoint

from tests.support.patience import soon

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
    opened: WebSocketProtocol = await soon(factory.opened)
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
        return await soon(self._inbox.get())

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
        return await soon(self.closed)

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
            await self.ended()
