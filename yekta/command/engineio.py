"""Socket.IO as a client, as small as `check` needs it: each transport by itself, and the move from one to the other.

Engine.IO protocol 4 ("Upgrade" included) and Socket.IO protocol 5, text only.
"""

from __future__ import annotations

import abc
from collections import deque
from typing import Any
from urllib.parse import quote

from yekta import jsontext
from yekta.command.failure import CommandError
from yekta.command.network import Network
from yekta.command.websocket import Closed, WebSocket, connect
from yekta.engineio import packet as engine
from yekta.socketio import packet as socketio
from yekta.socketio.packet import Packet


class Transport(abc.ABC):
    """How Engine.IO packets travel."""

    @abc.abstractmethod
    async def send(self, packet: str) -> None:
        """Send one packet."""

    @abc.abstractmethod
    async def receive(self) -> str:
        """The next packet."""

    @abc.abstractmethod
    async def close(self) -> None:
        """End the connection."""


class Polling(Transport):
    """``url`` has the query, without ``transport``."""

    def __init__(self, network: Network, url: str) -> None:
        self._network = network
        self._url = f"{url}&transport=polling"
        self._came: deque[engine.Packet] = deque()

    def use(self, sid: str) -> None:
        """Every request after the handshake names the connection."""
        self._url += f"&sid={quote(sid)}"

    async def send(self, packet: str) -> None:
        answer = await self._network.request("POST", self._url, {"Content-Type": "text/plain; charset=UTF-8"}, packet)
        if answer.status != 200:
            raise CommandError(f"A polling POST was answered with HTTP {answer.status}.")

    async def receive(self) -> str:
        while not self._came:
            answer = await self._network.request("GET", self._url)
            if answer.status != 200:
                raise CommandError(f"A polling GET was answered with HTTP {answer.status}.")
            self._came.extend(engine.decode_payload(answer.text))
        return str(self._came.popleft())

    async def close(self) -> None:
        await self.send(engine.CLOSE)


class OverWebSocket(Transport):
    """A WebSocket message is a packet."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def send(self, packet: str) -> None:
        self._websocket.send(packet)

    async def receive(self) -> str:
        return str(await self._websocket.receive())

    async def close(self) -> None:
        self._websocket.close()


class SocketIO:
    """One connection, on its main namespace."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    async def join(self, auth: dict[str, Any]) -> Packet:
        """What CONNECT is answered: CONNECT, or CONNECT_ERROR."""
        await self._send(Packet(socketio.CONNECT, data=auth))
        return await self._receive()

    async def call(self, event: str, data: Any) -> Any:
        """Emit an event, and await the data of its acknowledgement."""
        await self._send(Packet(socketio.EVENT, data=[event, data], id=1))
        while (packet := await self._receive()).type != socketio.ACK:
            pass
        return packet.data[0] if packet.data else None

    async def event(self) -> tuple[str, Any]:
        """The next event."""
        while (packet := await self._receive()).type != socketio.EVENT:
            pass
        name, *data = packet.data
        return name, data[0] if data else None

    async def _send(self, packet: Packet) -> None:
        (text,) = socketio.encode(packet)
        await self.transport.send(engine.MESSAGE + str(text))

    async def _receive(self) -> Packet:
        while True:
            received = await self.transport.receive()
            if received[:1] == engine.PING:
                await self.transport.send(engine.PONG + received[1:])
            elif received[:1] == engine.MESSAGE:
                return socketio.decode_text(received[1:])[0]
            elif received[:1] == engine.CLOSE:
                raise Closed(1000, "Engine.IO")


async def over_polling(network: Network, url: str) -> SocketIO:
    """A connection that polls."""
    polling, _ = await _open_polling(network, _query(url))
    return SocketIO(polling)


async def over_websocket(network: Network, url: str) -> SocketIO:
    """A connection that is a WebSocket from the start."""
    transport = OverWebSocket(await connect(network, f"{_query(url)}&transport=websocket"))
    _sid(await transport.receive())
    return SocketIO(transport)


async def upgraded(network: Network, url: str) -> SocketIO:
    """A connection that began with polling and moved to a WebSocket."""
    _, sid = await _open_polling(network, _query(url))
    transport = OverWebSocket(await connect(network, f"{_query(url)}&transport=websocket&sid={quote(sid)}"))
    await transport.send(engine.PING_PROBE)
    if await transport.receive() != engine.PONG_PROBE:
        raise CommandError("The probe of the upgrade was not answered.")
    await transport.send(engine.UPGRADE)
    return SocketIO(transport)


def _query(url: str) -> str:
    return f"{url}/socket.io/?EIO=4"


async def _open_polling(network: Network, url: str) -> tuple[Polling, str]:
    polling = Polling(network, url)
    sid = _sid(await polling.receive())
    polling.use(sid)
    return polling, sid


def _sid(packet: str) -> str:
    try:
        if packet[:1] == engine.OPEN:
            return str(jsontext.decode(packet[1:])["sid"])
    except (jsontext.NotJson, KeyError, TypeError):
        pass
    raise CommandError("The handshake of Engine.IO is not one.")
