"""Clients that follow an answer over a connection that can be cut, by every protocol in the same manner.

    follower = await follow(house, "SSE", token)
    await follower.ask("m")                    # or resume("m"), after what it has heard
    text = await follower.chunk()              # the text of the next chunk
    follower.cut()                             # no goodbye
    await follower.end()                       # every chunk that is left, and the last event

``text`` is what a person would have read; ``seq`` the last chunk that was heard. A successor goes on from there.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, DeferredQueue
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from tests.support.clients import Client
from tests.support.doors import NATIVE, SOCKETIO, House
from tests.support.patience import soon

reactor: Any = _reactor

SSE = "SSE"

# One of each protocol; which port and which upgrade is told elsewhere.
PROTOCOLS = (NATIVE[0], SOCKETIO[0], SOCKETIO[1], SSE)


class Follower:
    """What all of them have in common."""

    def __init__(self, predecessor: Follower | None = None) -> None:
        self.text = "" if predecessor is None else predecessor.text
        self.seq = -1 if predecessor is None else predecessor.seq
        self.replays = 0

    async def ask(self, message_id: str) -> None:
        """Ask, and hear that the answer has begun."""
        raise NotImplementedError

    async def resume(self, message_id: str) -> None:
        """Go on after ``seq``."""
        raise NotImplementedError

    async def cut(self) -> None:
        """Break the connection without a word."""
        raise NotImplementedError

    async def hear(self) -> tuple[str, Any]:
        """The next event, by its name without ``ai:response:``."""
        raise NotImplementedError

    async def chunk(self) -> str:
        """The text of the next event, which is a chunk that fits to what was read."""
        event, data = await self.hear()
        assert event == "chunk", (event, data)
        self._take(data)
        chunk: str = data["chunk"]
        return chunk

    async def end(self) -> tuple[str, Any]:
        """Read on to the last event."""
        while (heard := await self.hear())[0] == "chunk":
            self._take(heard[1])
        return heard

    def _take(self, data: Any) -> None:
        # No chunk is repeated and none is missing, neither by number nor by place.
        assert data["offset"] == len(self.text), data
        assert data["seq"] > self.seq
        assert "replay" in data or data["seq"] == self.seq + 1
        self.replays += "replay" in data
        self.text += data["chunk"]
        self.seq = data["seq"]


class EventFollower(Follower):
    """Over a native connection or Socket.IO."""

    def __init__(self, client: Client, predecessor: Follower | None) -> None:
        super().__init__(predecessor)
        self.client = client

    async def ask(self, message_id: str) -> None:
        await self.client.say("ai:chat", {"message": "?", "messageId": message_id})
        await self.client.expect("ai:response:start", {"messageId": message_id})

    async def resume(self, message_id: str) -> None:
        await self.client.say("ai:resume", {"messageId": message_id, "seq": self.seq})

    async def cut(self) -> None:
        client: Any = self.client
        if client.transport == "websocket":
            client.websocket.transport.abortConnection()
            await client.ended()
        else:
            await client.leave()

    async def hear(self) -> tuple[str, Any]:
        heard = await self.client.hear()
        return heard.event.removeprefix("ai:response:"), heard.data


class _EventSource(Protocol):
    def __init__(self, request: bytes) -> None:
        self._request = request
        self._buffer = b""
        self._head = True
        self.heard: DeferredQueue[tuple[str, Any]] = DeferredQueue()
        self.lost: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self.transport.write(self._request)

    def dataReceived(self, data: bytes) -> None:
        self._buffer += data
        if self._head and b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            self._head = False
        while not self._head and b"\r\n" in self._buffer:
            # One HTTP chunk for each write; an event never has a line break of HTTP's.
            size, _, rest = self._buffer.partition(b"\r\n")
            length = int(size, 16)
            if len(rest) < length + 2:
                return
            self._buffer = rest[length + 2 :]
            self._event(rest[:length].decode())

    def _event(self, block: str) -> None:
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line)
        if lines:
            data = json.loads(lines["data"])
            assert lines.get("id") == (f"{data['messageId']}:{data['seq']}" if lines["event"] == "chunk" else None)
            self.heard.put((lines["event"], data))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.callback(None)


class SseFollower(Follower):
    """Over HTTP, as a stream of server-sent events."""

    _source: _EventSource | None = None

    def __init__(self, house: House, token: str, predecessor: Follower | None) -> None:
        super().__init__(predecessor)
        self._house = house
        self._token = token

    async def ask(self, message_id: str) -> None:
        body = json.dumps({"message": "?", "messageId": message_id})
        headers = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        await self._open("POST /api/ai/chat", headers)
        assert await self.hear() == ("start", {"messageId": message_id})

    async def resume(self, message_id: str) -> None:
        last = f"Last-Event-ID: {message_id}:{self.seq}\r\n" if self.seq >= 0 else ""
        await self._open(f"GET /api/ai/stream/{message_id}", last + "\r\n")

    async def cut(self) -> None:
        if self._source is not None:
            transport: Any = self._source.transport
            transport.abortConnection()
            await soon(self._source.lost)

    async def hear(self) -> tuple[str, Any]:
        assert self._source is not None
        return await soon(self._source.heard.get())

    async def _open(self, what: str, rest: str) -> None:
        head = f"{what} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {self._token}\r\nAccept: text/event-stream\r\n"
        host, _, port = self._house.gateway.api_address.partition(":")
        source = _EventSource((head + rest).encode())
        self._source = await connectProtocol(TCP4ClientEndpoint(reactor, host, int(port)), source)


async def follow(house: House, protocol: str, token: str, predecessor: Follower | None = None) -> Follower:
    """A client by ``protocol``; it has read what its ``predecessor`` has."""
    if protocol == SSE:
        return SseFollower(house, token, predecessor)
    return EventFollower(await house.enter(protocol, token), predecessor)
