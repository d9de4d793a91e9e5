"""One Engine.IO connection and its sockets: packets in, packets out, in order."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from yekta.engineio.connection import PARSE_ERROR, Connection, State
from yekta.socketio import packet as packets
from yekta.socketio.errors import ProtocolError
from yekta.socketio.message import Prepared
from yekta.socketio.packet import Decoder, Packet
from yekta.socketio.socket import CLIENT_DISCONNECT, Socket

if TYPE_CHECKING:
    from yekta.socketio.server import Server


class Client:
    """See the module. ``sockets`` by namespace, as the client spells it."""

    def __init__(self, server: Server, connection: Connection) -> None:
        self.server = server
        self.connection = connection
        self.sockets: dict[str, Socket] = {}
        self._admissions: dict[str, Deferred[None]] = {}
        self._decoder = Decoder(server.settings.max_attachments, server.settings.engine.max_payload)
        self._handling: Deferred[Any] | None = None
        self._backlog: deque[Packet] = deque()

    @property
    def open(self) -> bool:
        """Whether the connection is there to be spoken to."""
        return self.connection.state is State.OPEN

    @property
    def flowing(self) -> bool:
        """Whether the client keeps up with what it is sent."""
        return self.connection.flowing

    # -- from Engine.IO --------------------------------------------------------------------------------------

    def message_received(self, data: str | bytes) -> None:
        try:
            if not self.sockets and isinstance(data, bytes):
                raise ProtocolError("binary before CONNECT")
            packet = self._decoder.decode(data)
            if packet is not None:
                self._packet_received(packet)
        except ProtocolError as error:
            self.connection.fail(PARSE_ERROR, str(error))
        else:
            if isinstance(data, str) and self._decoder.waiting:
                self.server.unfinished.start(self)
            elif isinstance(data, bytes) and not self._decoder.waiting:
                self.server.unfinished.stop(self)

    def drained(self) -> None:
        """Told by Engine.IO; nothing of ours waits."""

    def connection_lost(self, reason: str, description: str) -> None:
        self.server.forget(self)
        for admission in list(self._admissions.values()):
            admission.cancel()
        self._backlog.clear()
        if self._handling is not None:
            self._handling.cancel()
        for socket in list(self.sockets.values()):
            socket.lost(reason, description)

    # -- towards the client ----------------------------------------------------------------------------------

    def send(self, packet: Packet) -> None:
        """Send a packet. Raises :class:`ValueError` for what the parser cannot say."""
        for message in packets.encode(packet):
            self.connection.send(message)

    def send_prepared(self, prepared: Prepared) -> None:
        """Send what was encoded before."""
        self.connection.send_prepared(prepared)

    def disconnect(self, reason: str) -> None:
        """Leave every namespace, telling the client, and close the connection."""
        for spelling, socket in list(self.sockets.items()):
            self.send(Packet(packets.DISCONNECT, spelling))
            socket.lost(reason)
        self.connection.close()

    def forget(self, spelling: str) -> None:
        """A namespace was left, or refused."""
        self.sockets.pop(spelling, None)
        self._admissions.pop(spelling, None)

    # -- packets ---------------------------------------------------------------------------------------------

    def _packet_received(self, packet: Packet) -> None:
        if packet.type == packets.CONNECT:
            self._connect(packet)
            return
        socket = self.sockets.get(packet.namespace)
        if socket is None:
            raise ProtocolError("packet for a namespace that is not connected")
        if packet.type == packets.EVENT:
            self._event_received(socket, packet)
        elif packet.type == packets.ACK:
            if packet.id is not None:
                socket.ack_received(packet.id, packet.data)
        elif packet.type == packets.DISCONNECT:
            socket.lost(CLIENT_DISCONNECT)
        else:
            raise ProtocolError("a client does not send CONNECT_ERROR")

    def _connect(self, packet: Packet) -> None:
        spelling = packet.namespace
        if spelling in self.sockets or spelling in self._admissions:
            raise ProtocolError("CONNECT twice")
        namespace = self.server.find(spelling)
        if namespace is None or len(self.sockets) + len(self._admissions) >= self.server.settings.max_namespaces:
            error = {"message": "Invalid namespace"}
            self.send(Packet(packets.CONNECT_ERROR, spelling, error))
            return
        socket = self.server.make_socket(namespace, self, spelling, packet.data or {})
        admission = namespace.admit(socket)
        if admission is not None and not admission.called:
            self._admissions[spelling] = admission

    def joined(self, spelling: str, socket: Socket) -> None:
        """The client is in a namespace from here on."""
        self._admissions.pop(spelling, None)
        self.sockets[spelling] = socket
        self.server.unidentified.stop(self)

    # -- events, one after the other -------------------------------------------------------------------------

    def _event_received(self, socket: Socket, packet: Packet) -> None:
        if packet.data is None:
            return
        if self._handling is not None:
            if len(self._backlog) >= self.server.settings.max_backlog:
                raise ProtocolError("too many events wait for their turn")
            self._backlog.append(packet)
            return
        pending = socket.event_received(packet.data, packet.id)
        if pending is not None and self.server.settings.ordered:
            self._handling = pending
            pending.addBoth(self._handled)

    def _handled(self, result: object) -> None:
        self._handling = None
        while self._backlog and self._handling is None:
            packet = self._backlog.popleft()
            socket = self.sockets.get(packet.namespace)
            if socket is not None:
                self._event_received(socket, packet)
