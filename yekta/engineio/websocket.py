"""WebSocket as an Engine.IO transport, and the probe that comes before an upgrade (protocol 4, "Upgrade").

    polling                          WebSocket
       │  ◀─ NOOP frees the poll ─   "2probe" → "3probe"
       ▼                             "5" → the connection carries on here
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zope.interface import implementer

from yekta.engineio import eio3
from yekta.engineio import packet as packets
from yekta.engineio.connection import PARSE_ERROR, TRANSPORT_CLOSE, TRANSPORT_ERROR, Connection
from yekta.engineio.errors import ProtocolError
from yekta.engineio.interfaces import Prepared
from yekta.engineio.packet import MESSAGE, NOOP, PING_PROBE, PONG_PROBE, TYPES, UPGRADE, Packet, framed
from yekta.engineio.polling import Polling
from yekta.engineio.verify import protocol
from yekta.web.request import Request
from yekta.websocket.frame import Utf8
from yekta.websocket.interfaces import IReceiver, IWebSocket
from yekta.websocket.limits import NO_CLOSE, NORMAL, POLICY

if TYPE_CHECKING:
    from yekta.engineio.engine import Engine

_MESSAGE = MESSAGE.encode()

# In the query of clients that want no bytes: the option ``forceBase64`` of Node's.
_B64 = "b64"


@implementer(IReceiver)
class WebSocketTransport:
    """Carries the packets of one connection, one in each message."""

    __slots__ = ("_engine", "_plain", "_request", "_sid", "connection", "express")
    name = "websocket"
    immediate = True
    writable = True
    connection: Connection
    express: IWebSocket
    # Whether frames can be shared with others, as they are.
    _plain: bool

    def __init__(self, engine: Engine, request: Request, sid: str) -> None:
        self._engine = engine
        self._request = request
        self._sid = sid

    @property
    def flowing(self) -> bool:
        return self.express.writable

    def send(self, packets: Sequence[Packet], compress: bool = True) -> None:
        as_they_are = not compress and self.express.compressing
        for packet in packets:
            if isinstance(packet, bytes):
                packet = self._written(packet)
            if as_they_are:
                self.express.send_frame(framed(packet))
            elif isinstance(packet, str):
                self.express.send_text(packet)
            else:
                self.express.send_binary(packet)

    def send_prepared(self, prepared: Prepared) -> None:
        if self._plain or not (self.connection.protocol == 3 or prepared.compress or self._all_is_text):
            self.express.send_frame(prepared.frames)
        elif prepared.shared is not None:
            self.express.send_shared(prepared.shared)
        else:
            self.send(prepared.packets, prepared.compress)

    @property
    def _all_is_text(self) -> bool:
        """Whether its client wants bytes as text."""
        return _B64 in self._request.query

    def _written(self, data: bytes) -> Packet:
        """A binary message as this client takes it."""
        is_old = self.connection.protocol == 3
        if self._all_is_text:
            return eio3.in_base64(data) if is_old else packets.in_base64(data)
        return eio3.BINARY_MESSAGE + data if is_old else data

    def close(self) -> None:
        self._close(NORMAL)

    def _close(self, code: int) -> None:
        self.express.close(code if self._engine.settings.close_codes else None)

    def abandon(self) -> None:
        """The WebSocket is closing or gone: nothing carries on after it."""

    # -- IReceiver -----------------------------------------------------------------------------------------

    def opened(self, websocket: IWebSocket) -> None:
        """A client that begins with WebSocket: its connection begins here."""
        self.express = websocket
        spoken = protocol(self._request, self._engine.settings)
        self._plain = not websocket.compressing and spoken == 4 and not self._all_is_text
        self._engine.begin(self._request, self, spoken, self._sid)

    def taken_over(self, connection: Connection, websocket: IWebSocket) -> None:
        """A client that began with polling carries on here."""
        self.connection = connection
        self.express = websocket
        self._plain = not websocket.compressing and connection.protocol == 4 and not self._all_is_text
        websocket.receiver = self
        connection.upgraded(self)

    def text_received(self, text: Utf8) -> None:
        connection = self.connection
        if connection.express is not None and text[:1] == _MESSAGE:
            connection.handler.text_received(text)
        else:
            self._packet_received(text.decode())

    def _packet_received(self, packet: str) -> None:
        if packet[:1] in TYPES:
            self.connection.packet_received(packet)
            return
        try:
            # Those who want no bytes send none.
            data = (eio3 if self.connection.protocol == 3 else packets).decode(packet)
        except ProtocolError as error:
            self._close(POLICY)
            self.connection.lost(PARSE_ERROR, str(error))
        else:
            self.connection.packet_received(data)

    def binary_received(self, data: bytes) -> None:
        if self.connection.protocol == 3:
            if data[:1] != eio3.BINARY_MESSAGE:
                self._close(POLICY)
                self.connection.lost(PARSE_ERROR, "binary that is no message")
                return
            data = data[1:]
        self.connection.packet_received(data)

    def drained(self) -> None:
        self.connection.handler.drained()

    def connection_lost(self, code: int, reason: str) -> None:
        if code == NO_CLOSE and reason:
            # We have cut it.
            self.connection.transport_lost(self, TRANSPORT_ERROR, reason)
        else:
            self.connection.transport_lost(self, TRANSPORT_CLOSE, f"code {code}")
        # It knows its transport: a circle.
        del self.connection


@implementer(IReceiver)
class Probe:
    """A WebSocket that a polling client wants to move to. Has `Settings.upgrade_timeout` seconds to do so."""

    def __init__(self, engine: Engine, connection: Connection, request: Request) -> None:
        self._engine = engine
        self._connection = connection
        self._request = request
        self._websocket: IWebSocket | None = None
        self._probed = False

    def free_poll(self) -> None:
        """Called every `engine.FREE_POLL` seconds once probed: end the waiting poll, so that the client can switch. It
        has none while a POST of its is held, and waits for that one, too."""
        transport = self._connection.transport
        if transport.writable:
            transport.send((NOOP,))
        elif isinstance(transport, Polling):
            transport.let_go()
        self._engine.freeing.start(self)

    def end(self) -> None:
        """The client took too long or said something else, or its connection is gone. Only the probe ends: polling goes
        on if it can."""
        if self._connection.probe is self:
            self._connection.probe = None
        self._stop()
        websocket, self._websocket = self._websocket, None
        if websocket is not None:
            self._close(websocket)

    def opened(self, websocket: IWebSocket) -> None:
        self._websocket = websocket
        if self._connection.probe is not None or self._connection.transport.name != "polling":
            self._close(websocket)
            return
        self._connection.probe = self
        self._engine.upgrading.start(self)

    def text_received(self, text: Utf8) -> None:
        packet = text.decode()
        if packet == PING_PROBE and not self._probed:
            self._probed = True
            self._send(PONG_PROBE)
            self._engine.freeing.start(self)
        elif packet == UPGRADE and self._probed:
            self._switch()
        else:
            self.end()

    def binary_received(self, data: bytes) -> None:
        self.end()

    def drained(self) -> None:
        """Nothing of ours waits."""

    def connection_lost(self, code: int, reason: str) -> None:
        self.end()

    def _send(self, text: str) -> None:
        if self._websocket is not None:
            self._websocket.send_text(text)

    def _switch(self) -> None:
        websocket, self._websocket = self._websocket, None
        self._stop()
        if websocket is not None:
            transport = WebSocketTransport(self._engine, self._request, self._connection.sid)
            transport.taken_over(self._connection, websocket)

    def _close(self, websocket: IWebSocket) -> None:
        websocket.close(NORMAL if self._engine.settings.close_codes else None)

    def _stop(self) -> None:
        self._engine.upgrading.stop(self)
        self._engine.freeing.stop(self)
