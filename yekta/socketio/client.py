"""One Engine.IO connection and its sockets: packets in, packets out, in order."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta import jsontext
from yekta.engineio.connection import PARSE_ERROR, STATE_OPEN, Connection
from yekta.ids import new_id
from yekta.socketio import packet as packets
from yekta.socketio.errors import ConnectError, ProtocolError
from yekta.socketio.message import EventFormat
from yekta.socketio.namespace import FAILED, Namespace, refusal
from yekta.socketio.order import Order
from yekta.socketio.packet import Packet
from yekta.socketio.parser import MSGPACK, TEXT, Decoder, Parser
from yekta.socketio.socket import CLIENT_DISCONNECT, Socket
from yekta.web.request import parse_target
from yekta.websocket.frame import Utf8

if TYPE_CHECKING:
    from yekta.socketio.server import Server

INVALID_NAMESPACE = ConnectError("Invalid namespace")

# An event for the main namespace that asks for no acknowledgement and has no attachments, as Engine.IO carries it.
_PLAIN_EVENT = b"42["
# What most clients say last.
_GOODBYE = b"41"

# What packets begin with, as text, that have no attachments.
_WHOLE = frozenset("01234")

# What most clients wait for, most of the time.
_NONE: Any = MappingProxyType({})


class Client:
    """See the module. ``sockets``: one in each namespace, and nearly always one. ``protocol``: Engine.IO's, 4 or 3."""

    __slots__ = (
        "__weakref__",
        "_admissions",
        "_decoder",
        "_order",
        "_parser",
        "_plain",
        "_size",
        "connection",
        "protocol",
        "server",
        "sockets",
    )
    _log = Logger()

    def __init__(self, server: Server, connection: Connection) -> None:
        self.server = server
        self.connection = connection
        self.protocol = connection.protocol
        self.sockets: tuple[Socket, ...] = ()
        # The one that plain events are for, where the client speaks text.
        self._plain: Socket | None = None
        self._admissions: dict[str, Deferred[Any]] = _NONE
        # The first message tells.
        self._parser: Parser | None = server.settings.parser
        # There while a packet is unfinished.
        self._decoder: Decoder | None = None
        self._order: Order | None = None
        self._size = 0

    @property
    def open(self) -> bool:
        """Whether the connection is there to be spoken to."""
        return self.connection.state is STATE_OPEN

    @property
    def flowing(self) -> bool:
        """Whether the client keeps up with what it is sent."""
        return self.connection.flowing

    def socket_in(self, spelling: str) -> Socket | None:
        """The socket in a namespace, as the client spells it."""
        for socket in self.sockets:
            if socket.spelling == spelling:
                return socket
        return None

    def format(self, spelling: str, *, offsets: bool) -> EventFormat:
        """How events are written for this client."""
        return self.server.format(self._parser or TEXT, spelling, offsets)

    # -- from Engine.IO --------------------------------------------------------------------------------------

    def message_received(self, data: str | bytes) -> None:
        if self.connection.state is not STATE_OPEN:
            # It was sent off, and may still fetch what was queued; what it says no longer counts.
            return
        try:
            if self._plain is not None and data[:2] == "2[" and self._decoder is None:
                args = packets.decode_plain_event(data[1:])
                self._event_received(self._plain, args, None, len(data))
            else:
                self._decode(data)
        except ProtocolError as error:
            self.connection.fail(PARSE_ERROR, str(error))

    def text_received(self, packet: Utf8) -> None:
        plain = self._plain
        if plain is None or packet[:3] != _PLAIN_EVENT or self._decoder is not None:
            if plain is not None and packet == _GOODBYE and self._decoder is None:
                self._leave(plain, len(packet))
            else:
                self.message_received(packet[1:].decode())
            return
        try:
            args = packets.decode_plain_event(packet[2:])
        except ProtocolError as error:
            self.connection.fail(PARSE_ERROR, str(error))
            return
        if self._order is not None:
            self._event_received(plain, args, None, len(packet))
        elif (pending := plain.event_received(args, None)) is not None:
            self._make_order().hold(pending)

    def _decode(self, data: str | bytes) -> None:
        if self._parser is None:
            self._parser = TEXT if isinstance(data, str) else MSGPACK
        if self._parser is TEXT and self._decoder is None and isinstance(data, str) and data[:1] in _WHOLE:
            self._packet_received(packets.decode_text(data)[0], len(data))
            return
        self._size += len(data)
        settings = self.server.settings
        decoder = self._decoder or self._parser.decoder(settings.max_attachments, settings.engine.max_payload)
        packet = decoder.decode(data)
        self._decoder = decoder if decoder.waiting else None
        if packet is not None:
            size, self._size = self._size, 0
            self._packet_received(packet, size)
        if decoder.waiting:
            self._await_attachments(isinstance(data, str))
        elif isinstance(data, bytes):
            self.server.unfinished.stop(self)

    def drained(self) -> None:
        for socket in self.sockets:
            if socket.owner is not None:
                socket.owner.drained()

    def connection_lost(self, reason: str, description: str) -> None:
        self.server.forget(self)
        for admission in list(self._admissions.values()):
            admission.cancel()
        if self._order is not None:
            self._order.stop()
        for socket in self.sockets:
            socket.lost(reason, description)

    def _await_attachments(self, first: bool) -> None:
        if not self.sockets:
            self.connection.fail(PARSE_ERROR, "attachments before CONNECT")
        elif first:
            self.server.unfinished.start(self)

    # -- towards the client ----------------------------------------------------------------------------------

    def send(self, packet: Packet) -> None:
        """Send a packet. Raises :class:`ValueError` for what the parser cannot say."""
        for message in (self._parser or TEXT).encode(packet):
            self.connection.send(message)

    def welcome(self, spelling: str, format: EventFormat, facts: dict[str, str]) -> None:
        """Tell the client that it is in a namespace, by ``facts`` that Socket.IO 2 did not know of."""
        if self.protocol == 3:
            self.send(Packet(packets.CONNECT, spelling))
        elif format.welcome is None:
            self.send(Packet(packets.CONNECT, spelling, facts))
        else:
            self.connection.send_encoded(format.welcome + jsontext.dumps(facts))

    def refuse(self, spelling: str, error: ConnectError) -> None:
        """Tell the client that it may not join."""
        self.forget(spelling)
        try:
            self.send(refusal(spelling, error, self.protocol))
        except ValueError:
            self._log.failure("A refusal cannot be written")
            self.send(refusal(spelling, ConnectError(FAILED), self.protocol))

    def disconnect(self) -> None:
        """Leave every namespace, telling the client, which will not come back by itself, and close the connection."""
        for socket in self.sockets:
            socket.disconnect()
        self.connection.close()

    def close(self, reason: str) -> None:
        """Close the connection; the client will connect again."""
        for socket in self.sockets:
            socket.lost(reason)
        self.connection.close()

    def forget(self, spelling: str) -> None:
        """A namespace was left, or refused."""
        self.sockets = tuple(each for each in self.sockets if each.spelling != spelling)
        if self._plain not in self.sockets:
            self._plain = None
        self._admitted(spelling)

    # -- packets ---------------------------------------------------------------------------------------------

    def _packet_received(self, packet: Packet, size: int) -> None:
        if packet.type == packets.CONNECT:
            spelling, auth = packet.namespace, packet.data or {}
            if self.protocol == 3:
                # Socket.IO 2 put what is auth today into a query of the namespace.
                spelling, auth = _split(spelling)
            self.connect(spelling, auth)
            return
        socket = self.socket_in(packet.namespace)
        if socket is None:
            raise ProtocolError("packet for a namespace that is not connected")
        if packet.type == packets.EVENT:
            if packet.data is not None:
                self._event_received(socket, packet.data, packet.id, size)
        elif packet.type == packets.ACK:
            if packet.id is not None:
                socket.ack_received(packet.id, packet.data)
        elif packet.type == packets.DISCONNECT:
            self._leave(socket, size)
        else:
            raise ProtocolError("a client does not send CONNECT_ERROR")

    def connect(self, spelling: str, auth: dict[str, Any]) -> None:
        """The client wants to join a namespace."""
        if len(spelling) > self.server.settings.max_namespace_length:
            raise ProtocolError("namespace too long")
        if self.socket_in(spelling) is not None or spelling in self._admissions:
            raise ProtocolError("CONNECT twice")
        if len(self.sockets) + len(self._admissions) >= self.server.settings.max_namespaces:
            self.refuse(spelling, INVALID_NAMESPACE)
            return
        found = self.server.find(spelling, auth)
        if not isinstance(found, Deferred):
            self._join(found, spelling, auth)
            return
        self._admit(spelling, found)
        found.addCallbacks(self._join, self._not_found, (spelling, auth), errbackArgs=(spelling,))

    def joined(self, spelling: str, socket: Socket) -> None:
        """The client is in a namespace from here on."""
        self._admitted(spelling)
        self.sockets = (*self.sockets, socket)
        if spelling == "/" and self._parser is TEXT:
            self._plain = socket
        self.server.unidentified.stop(self)

    def _admit(self, spelling: str, admission: Deferred[Any]) -> None:
        if not self._admissions:
            self._admissions = {}
        self._admissions[spelling] = admission

    def _admitted(self, spelling: str) -> None:
        if spelling in self._admissions:
            del self._admissions[spelling]
            self._admissions = self._admissions or _NONE

    def _join(self, namespace: Namespace | None, spelling: str, auth: dict[str, Any]) -> None:
        if namespace is None:
            self.refuse(spelling, INVALID_NAMESPACE)
            return
        admission = namespace.admit(self.server.make_socket(namespace, self, spelling, auth))
        if admission is not None and not admission.called:
            self._admit(spelling, admission)

    def _not_found(self, failure: Failure, spelling: str) -> None:
        if not failure.check(CancelledError):
            self._log.failure("A namespace predicate failed", failure)
            self.refuse(spelling, INVALID_NAMESPACE)

    def make_id(self, namespace: str) -> str:
        """An id for a socket of this client; Socket.IO 2 derived it from the connection's."""
        if self.protocol == 3:
            return self.connection.sid if namespace == "/" else f"{namespace}#{self.connection.sid}"
        return new_id()

    # -- events, one after the other -------------------------------------------------------------------------

    def keep(self, pending: Deferred[Any]) -> None:
        """Cancel ``pending`` when the client goes."""
        self._make_order().own(pending)

    def _event_received(self, socket: Socket, args: list[Any], id: int | None, size: int) -> None:
        if self._order is not None and self._order.busy:
            self._order.postpone(partial(socket.event_received, args, id), size)
            return
        pending = socket.event_received(args, id)
        if pending is not None:
            self._make_order().hold(pending)

    def _leave(self, socket: Socket, size: int) -> None:
        # What the client said before it left still counts.
        if self._order is not None and self._order.waiting:
            self._order.postpone(partial(socket.lost, CLIENT_DISCONNECT), size)
        else:
            socket.lost(CLIENT_DISCONNECT)

    def _make_order(self) -> Order:
        if self._order is None:
            settings = self.server.settings
            self._order = Order(
                ordered=settings.ordered, most=settings.max_backlog, most_bytes=settings.engine.max_queued
            )
        return self._order


def _split(target: str) -> tuple[str, dict[str, str]]:
    try:
        path, query = parse_target(target)
    except ValueError:
        raise ProtocolError("too many fields in a namespace") from None
    return path, dict(query)
