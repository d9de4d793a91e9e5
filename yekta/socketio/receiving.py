"""The receiving half of a client: messages become packets, and packets become events, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from yekta.engineio.connection import STATE_OPEN, Connection
from yekta.engineio.polling import ENOUGH
from yekta.socketio import packet as packets
from yekta.socketio.calls import call
from yekta.socketio.errors import OutOfPlace, ProtocolError
from yekta.socketio.order import Order
from yekta.socketio.packet import Packet
from yekta.socketio.parser import MSGPACK, TEXT, Decoder, Parser
from yekta.socketio.reasons import CLIENT_DISCONNECT
from yekta.socketio.socket import Socket
from yekta.socketio.unread import Unread
from yekta.taken import takes_more
from yekta.web.request import parse_target
from yekta.websocket.frame import Utf8

if TYPE_CHECKING:
    from yekta.socketio.server import Server

# An event for the main namespace that asks for no acknowledgement and has no attachments, as Engine.IO carries it.
_PLAIN_EVENT = b"42["
# What most clients say last.
_GOODBYE = b"41"

# The bytes that a character may take in what is kept: many empty lists take 30. A shorter packet is let be.
BYTES_OF_CHARACTER, SMALL = 4, 512

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
                if self._order is not None and self._order.busy:
                    self._postpone(self._order, "/", len(data), (data,))
                elif (pending := self._plain.event_received(args, None)) is not None:
                    self._make_order().hold(pending, len(data))
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
            order = self._order
            if packet == _GOODBYE:
                if order is not None and order.waiting:
                    self._postpone(order, "/", 1, ("1",))
                else:
                    plain.lost(CLIENT_DISCONNECT)
                return
            args = packets.decode_plain_event(packet[2:])
            if order is not None and order.busy:
                self._postpone(order, "/", len(packet), (packet[1:].decode(),))
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
        order = self._order
        if order is not None and order.waiting:
            # Not at once: it may be one of its steps that made room, or the application, in the middle of something.
            self.connection.engine.rests.add(order)

    def _choked(self) -> bool:
        """Whether so much waits for the client that what else it asks for had better wait, too."""
        connection = self.connection
        if connection.transport.flowing:
            return False
        return connection.transport.immediate or connection.queued > ENOUGH * connection.engine.settings.max_queued

    def misbehaved(self, error: ProtocolError) -> None:
        """The client broke the protocol."""
        raise NotImplementedError

    def _await_attachments(self, first: bool) -> None:
        if self._first is None:
            raise ProtocolError("attachments before CONNECT")
        if first:
            self.server.unfinished.start(self)

    # -- packets, one after the other ------------------------------------------------------------------------

    def _packet_received(self, packet: Packet, size: int, messages: Sequence[str | bytes]) -> None:
        """``messages``: those that say it."""
        order = self._order
        if order is not None and self._has_to_wait(packet, order):
            self._postpone(order, self._spelled(packet)[0], size, messages)
        elif (pending := self._handle(packet, size)) is not None:
            self._make_order().hold(pending, size)

    def _has_to_wait(self, packet: Packet, order: Order) -> bool:
        """Whether a namespace that the client is in, or about to be back in, does not hear of ``packet`` yet."""
        if packet.type == packets.EVENT:
            waits = order.busy
        else:
            # What the client said before it left still counts; and it may have left, and come back.
            waits = order.waiting and packet.type in (packets.CONNECT, packets.DISCONNECT)
        spelling = self._spelled(packet)[0]
        return waits and (self.socket_in(spelling) is not None or order.awaits(spelling))

    def _handle(self, packet: Packet, size: int) -> Deferred[Any] | None:
        """Gives what the client's next event has to wait for."""
        if packet.type == packets.CONNECT:
            spelling, auth = self._spelled(packet)
            most = self.server.settings.max_auth_length
            is_kept = size <= most and (size <= SMALL or not takes_more(auth, BYTES_OF_CHARACTER * most))
            self.connect(spelling, auth if is_kept else None)
            return None
        socket = self.socket_in(packet.namespace)
        if socket is None:
            raise OutOfPlace("packet for a namespace that is not connected")
        if packet.type == packets.EVENT:
            return None if packet.data is None else socket.event_received(packet.data, packet.id)
        if packet.type == packets.ACK:
            if packet.id is not None:
                socket.ack_received(packet.id, packet.data or [])
        elif packet.type == packets.DISCONNECT:
            socket.lost(CLIENT_DISCONNECT)
        else:
            raise OutOfPlace("a client does not send CONNECT_ERROR")
        return None

    def _spelled(self, packet: Packet) -> tuple[str, dict[str, Any]]:
        """The namespace of a packet, and the auth of a CONNECT."""
        if packet.type == packets.CONNECT and self.connection.protocol == 3:
            # Socket.IO 2 put what is auth today into a query of the namespace.
            return _split(packet.namespace)
        return packet.namespace, packet.data or {}

    def _postpone(self, order: Order, namespace: str, size: int, messages: Sequence[str | bytes]) -> None:
        unread = Unread(messages)
        order.postpone(partial(self._handle_in_turn, unread, size), unread.size, namespace)

    def _handle_in_turn(self, unread: Unread, size: int) -> Deferred[Any] | None:
        """As if it came now."""
        if self.connection.state is not STATE_OPEN:
            return None
        try:
            return self._handle(unread.read(self._make_decoder(self._parser or TEXT)), size)
        except ProtocolError as error:
            self.misbehaved(error)
            return None

    def connect(self, spelling: str, auth: dict[str, Any] | None) -> None:
        """The client wants to join a namespace. ``auth``: ``None`` where it is too long."""
        raise NotImplementedError

    def sent_off(self, spelling: str) -> None:
        """The client is told that it is out of a namespace: what it said before no longer counts there, nor brings it
        back."""
        if self._order is not None:
            self._order.drop(spelling)

    def keep(self, pending: Deferred[Any], spelling: str) -> None:
        """Cancel ``pending`` when the client leaves a namespace."""
        try:
            self._make_order().own(pending, spelling)
        except ProtocolError as error:
            self.misbehaved(error)

    def _make_order(self) -> Order:
        if self._order is None:
            settings = self.server.settings
            self._order = Order(
                ordered=settings.ordered,
                most=settings.max_backlog,
                most_bytes=settings.engine.max_queued,
                choked=self._choked,
            )
        return self._order


def _split(target: str) -> tuple[str, dict[str, str]]:
    try:
        path, query = parse_target(target)
    except ValueError:
        raise ProtocolError("too many fields in a namespace") from None
    return path, dict(query)
