"""The receiving half of a client: messages become packets, and packets become events, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from yekta.engineio.connection import STATE_OPEN, Connection
from yekta.socketio import packet as packets
from yekta.socketio.calls import call
from yekta.socketio.errors import OutOfPlace, ProtocolError
from yekta.socketio.order import Order
from yekta.socketio.packet import Packet
from yekta.socketio.parser import MSGPACK, TEXT, Decoder, Parser
from yekta.socketio.reasons import CLIENT_DISCONNECT
from yekta.socketio.returning import Return, Returns
from yekta.socketio.socket import Socket
from yekta.socketio.unread import Unread
from yekta.web.request import parse_target
from yekta.websocket.frame import Utf8

if TYPE_CHECKING:
    from yekta.socketio.server import Server

# An event for the main namespace that asks for no acknowledgement and has no attachments, as Engine.IO carries it.
_PLAIN_EVENT = b"42["
# What most clients say last.
_GOODBYE = b"41"

# What packets begin with, as text, that have no attachments.
_WHOLE = frozenset("01234")


class Receiving:
    """See the module."""

    __slots__ = (
        "_decoder",
        "_first",
        "_messages",
        "_order",
        "_others",
        "_parser",
        "_plain",
        "connection",
        "server",
    )

    def __init__(self, server: Server, connection: Connection) -> None:
        self.server = server
        self.connection = connection
        # In one namespace each, and nearly always in one.
        self._first: Socket | None = None
        self._others: tuple[Socket, ...] = ()
        # The one that plain events are for, where the client speaks text.
        self._plain: Socket | None = None
        # The first message tells.
        self._parser: Parser | None = server.settings.parser
        # There while a packet is unfinished.
        self._decoder: Decoder | None = None
        self._order: Order | None = None
        # Of the unfinished packet.
        self._messages: tuple[str | bytes, ...] = ()

    @property
    def sockets(self) -> tuple[Socket, ...]:
        """One in each namespace that the client is in."""
        return () if self._first is None else (self._first, *self._others)

    def socket_in(self, spelling: str) -> Socket | None:
        """The socket in a namespace, as the client spells it."""
        first = self._first
        if first is None or first.spelling == spelling:
            return first
        return next((socket for socket in self._others if socket.spelling == spelling), None)

    # -- from Engine.IO --------------------------------------------------------------------------------------

    def message_received(self, data: str | bytes) -> None:
        if self.connection.state is not STATE_OPEN:
            # It was sent off, and may still fetch what was queued; what it says no longer counts.
            return
        try:
            if self._plain is not None and data[:2] == "2[" and self._decoder is None:
                args = packets.decode_plain_event(data[1:])
                self._event_received(self._plain, args, None, len(data), (data,))
            else:
                self._decode(data)
        except ProtocolError as error:
            self.misbehaved(error)

    def text_received(self, packet: Utf8) -> None:
        plain = self._plain
        if plain is None or self._decoder is not None or (packet[:3] != _PLAIN_EVENT and packet != _GOODBYE):
            self.message_received(packet[1:].decode())
            return
        try:
            if packet == _GOODBYE:
                self._leave(plain)
                return
            args = packets.decode_plain_event(packet[2:])
            if self._order is not None and self._order.busy:
                self._event_received(plain, args, None, len(packet), (packet[1:].decode(),))
            elif (pending := plain.event_received(args, None)) is not None:
                self._make_order().hold(pending, len(packet))
        except ProtocolError as error:
            self.misbehaved(error)

    def _decode(self, data: str | bytes) -> None:
        if self._parser is None:
            self._parser = TEXT if isinstance(data, str) else MSGPACK
        if self._parser is TEXT and self._decoder is None and isinstance(data, str) and data[:1] in _WHOLE:
            self._packet_received(packets.decode_text(data)[0], len(data), (data,))
            return
        messages = (*self._messages, data)
        decoder = self._decoder or self._make_decoder(self._parser)
        packet = decoder.decode(data)
        self._messages = messages if decoder.waiting else ()
        self._decoder = decoder if decoder.waiting else None
        if decoder.waiting:
            self._await_attachments(isinstance(data, str))
        elif isinstance(data, bytes):
            self.server.unfinished.stop(self)
        if packet is not None:
            self._packet_received(packet, sum(map(len, messages)), messages)

    def _make_decoder(self, parser: Parser) -> Decoder:
        settings = self.server.settings
        return parser.decoder(settings.max_attachments, settings.engine.max_payload)

    def drained(self) -> None:
        for socket in self.sockets:
            if socket.owner is not None:
                call(socket.owner.drained)

    def misbehaved(self, error: ProtocolError) -> None:
        """The client broke the protocol."""
        raise NotImplementedError

    def _await_attachments(self, first: bool) -> None:
        if self._first is None:
            raise ProtocolError("attachments before CONNECT")
        if first:
            self.server.unfinished.start(self)

    # -- packets ---------------------------------------------------------------------------------------------

    def _packet_received(self, packet: Packet, size: int, messages: Sequence[str | bytes]) -> None:
        """``messages``: those that say it; none where its turn has come."""
        if packet.type == packets.CONNECT:
            spelling, auth = packet.namespace, packet.data or {}
            if self.connection.protocol == 3:
                # Socket.IO 2 put what is auth today into a query of the namespace.
                spelling, auth = _split(spelling)
            if size > self.server.settings.max_auth_length:
                auth = None
            if messages and self._order is not None and self._order.waiting and self.socket_in(spelling) is not None:
                # It may have left and come back, and not have left yet: what it said before waits.
                self._return(self._order, spelling, size, messages)
            else:
                self.connect(spelling, auth)
            return
        socket = self.socket_in(packet.namespace)
        if socket is None:
            raise OutOfPlace("packet for a namespace that is not connected")
        self._packet_for(socket, packet, size, messages)

    def _packet_for(self, socket: Socket, packet: Packet, size: int, messages: Sequence[str | bytes]) -> None:
        if packet.type == packets.EVENT:
            if packet.data is not None:
                self._event_received(socket, packet.data, packet.id, size, messages)
        elif packet.type == packets.ACK:
            if packet.id is not None:
                socket.ack_received(packet.id, packet.data)
        elif packet.type == packets.DISCONNECT:
            self._leave(socket)
        else:
            raise OutOfPlace("a client does not send CONNECT_ERROR")

    def connect(self, spelling: str, auth: dict[str, Any] | None) -> None:
        """The client wants to join a namespace. ``auth``: ``None`` where it is too long."""
        raise NotImplementedError

    # -- events, one after the other -------------------------------------------------------------------------

    def sent_off(self, spelling: str) -> None:
        """The client is told that it is out of a namespace: it does not come back by what it said before."""
        if self._order is not None and self._order.returns is not None:
            self._order.returns.give_up(spelling)

    def keep(self, pending: Deferred[Any]) -> None:
        """Cancel ``pending`` when the client goes."""
        self._make_order().own(pending)

    def _event_received(
        self, socket: Socket, args: list[Any], id: int | None, size: int, messages: Sequence[str | bytes]
    ) -> None:
        order = self._order
        if order is not None and order.busy:
            returning = None if order.returns is None else order.returns.last(socket.spelling)
            if returning is None:
                self._postpone(order, lambda packet: socket.event_received(packet.data, id), messages)
            else:
                self._postpone(order, partial(self._received_in_turn, returning), messages)
            return
        pending = socket.event_received(args, id)
        if pending is not None:
            self._make_order().hold(pending, size)

    def _leave(self, socket: Socket) -> None:
        order = self._order
        if order is None or not order.waiting:
            socket.lost(CLIENT_DISCONNECT)
            return
        # What the client said before it left still counts.
        returning = None if order.returns is None else order.returns.last(socket.spelling)
        if returning is None:
            order.postpone(partial(socket.lost, CLIENT_DISCONNECT), 0)
        else:
            goodbye = Packet(packets.DISCONNECT, socket.spelling)
            order.postpone(partial(self._received_in_turn, returning, goodbye), 0)

    def _return(self, order: Order, spelling: str, size: int, messages: Sequence[str | bytes]) -> None:
        if order.returns is None:
            order.returns = Returns()
        returning = Return()
        self._postpone(order, partial(self._join_in_turn, order.returns, returning, spelling, size), messages)
        order.returns.expect(spelling, returning)

    def _postpone(
        self, order: Order, step: Callable[[Packet], Deferred[Any] | None], messages: Sequence[str | bytes]
    ) -> None:
        unread = Unread(messages)
        order.postpone(partial(self._read, unread, step), unread.size)

    def _read(self, unread: Unread, step: Callable[[Packet], Deferred[Any] | None]) -> Deferred[Any] | None:
        if self.connection.state is not STATE_OPEN:
            return None
        try:
            packet = unread.read(self._make_decoder(self._parser or TEXT))
        except ProtocolError as error:
            # What nests deep may be too deep where the stack is deeper than it was when it came.
            self.misbehaved(error)
            return None
        return step(packet)

    def _join_in_turn(
        self, returns: Returns, returning: Return, spelling: str, size: int, packet: Packet
    ) -> None:
        if returning.void:
            return
        returns.begin(spelling)
        try:
            self._packet_received(packet, size, ())
        except ProtocolError as error:
            self.misbehaved(error)
        returning.socket = self.socket_in(spelling)

    def _received_in_turn(self, returning: Return, packet: Packet) -> Deferred[Any] | None:
        """What was said after a CONNECT that waited, as if it came now."""
        socket = returning.socket
        if socket is None:
            if not returning.void and self.connection.state is STATE_OPEN:
                self.misbehaved(OutOfPlace("packet for a namespace that is not connected"))
            return None
        if packet.type == packets.DISCONNECT:
            socket.lost(CLIENT_DISCONNECT)
            return None
        return socket.event_received(packet.data, packet.id)

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
