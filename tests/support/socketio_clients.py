"""Socket.IO clients of the tests' own: over WebSocket, over polling, and moving from one to the other."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred

from tests.support.clients import ABSENT, Client, Heard, WebSocketProtocol, open_websocket
from tests.support.http import Answer, Http
from tests.support.patience import soon


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
        await soon(client.opened)
        return client

    async def send_packet(self, packet: str) -> None:
        self.websocket.sendMessage(packet.encode())

    async def send_binary(self, data: bytes) -> None:
        self.websocket.sendMessage(data, isBinary=True)

    async def leave(self) -> None:
        if not self.is_closed:
            self.websocket.sendClose(1000)
            await self.ended()


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
            await self.ended()
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
        await soon(self._probed)
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
            await self.ended()
        await super().leave()
