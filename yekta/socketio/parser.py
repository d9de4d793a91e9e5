"""The two ways to write Socket.IO packets, one interface: the default text form, and msgpack.

A client's first message tells which it speaks (text or bytes), so nothing needs to be configured. A parser of an
application's own can be set instead, for all clients.
"""

from __future__ import annotations

from typing import Any, Protocol

from yekta import msgpack
from yekta.socketio import packet as packets
from yekta.socketio.errors import ProtocolError
from yekta.socketio.packet import Packet


class Decoder(Protocol):
    """Puts one client's packets together."""

    @property
    def waiting(self) -> bool:
        """Whether a packet is unfinished."""

    def decode(self, message: str | bytes) -> Packet | None:
        """The packet that ``message`` completes. Raises :class:`ProtocolError`."""


class Parser(Protocol):
    """How packets are written. Compared by identity."""

    def encode(self, packet: Packet) -> list[str | bytes]:
        """The messages that carry ``packet``. Raises :class:`ValueError`."""

    def decoder(self, max_attachments: int, max_bytes: int) -> Decoder:
        """A decoder for one client."""


class TextParser:
    """socket.io-parser: JSON, with bytes as attachments."""

    def encode(self, packet: Packet) -> list[str | bytes]:
        return packets.encode(packet)

    def decoder(self, max_attachments: int, max_bytes: int) -> Decoder:
        return packets.Decoder(max_attachments, max_bytes)


class MsgpackParser:
    """socket.io-msgpack-parser: a packet is one map in one binary message, bytes and all."""

    def encode(self, packet: Packet) -> list[str | bytes]:
        fields: dict[str, Any] = {"type": packet.type, "nsp": packet.namespace}
        if packet.data is not None:
            fields["data"] = packet.data
        if packet.id is not None:
            fields["id"] = packet.id
        return [msgpack.encode(fields)]

    def decoder(self, max_attachments: int, max_bytes: int) -> Decoder:
        return MsgpackDecoder()


class MsgpackDecoder:
    """Every message is a whole packet."""

    waiting = False

    def decode(self, message: str | bytes) -> Packet | None:
        if isinstance(message, str):
            raise ProtocolError("text from a client that speaks msgpack")
        try:
            fields = msgpack.decode(message)
        except msgpack.NotMsgpack:
            raise ProtocolError("broken msgpack") from None
        if not isinstance(fields, dict):
            raise ProtocolError("not a packet")
        packet = Packet(fields.get("type", -1), fields.get("nsp", ""), fields.get("data"), fields.get("id"))
        _check(packet)
        return packet


def _check(packet: Packet) -> None:
    if type(packet.type) is not int or not packets.CONNECT <= packet.type <= packets.CONNECT_ERROR:
        raise ProtocolError("unknown packet type")
    namespace, number = packet.namespace, packet.id
    if not isinstance(namespace, str) or not 0 < len(namespace) <= packets.MAX_NAMESPACE:
        raise ProtocolError("illegal namespace")
    if number is not None and (type(number) is not int or not 0 <= number <= packets.MAX_ID):
        raise ProtocolError("illegal id")
    if packet.data is None and packet.type in (packets.EVENT, packets.ACK):
        raise ProtocolError("no list of arguments")
    packets.check(packet)


TEXT = TextParser()
MSGPACK = MsgpackParser()
