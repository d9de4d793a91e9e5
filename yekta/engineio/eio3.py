"""Payloads of Engine.IO protocol 3, which Socket.IO 2's clients speak. Pure.

Text: ``<length>:<packet>`` repeated, the length in UTF-16 units, as JavaScript counts; bytes are ``b4`` and base64.
Binary, for clients that can: a byte for the kind, the length's digits as bytes, 255, the packet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yekta.engineio import packet as packets
from yekta.engineio.errors import ProtocolError
from yekta.engineio.packet import Packet

TEXT, BINARY = "text/plain; charset=UTF-8", "application/octet-stream"

# A binary message begins with its type, as a byte.
BINARY_MESSAGE = b"\x04"

# What bytes begin with that are written as text.
_BASE64 = "b4"

_STRING, _BYTES, _END = 0, 1, 255
_MAX_DIGITS = 10


def encode_payload(packets: Sequence[Packet], binary: bool) -> tuple[str, bytes]:
    """The content type and body of one payload; ``binary``: whether the client can take bytes as they are."""
    if binary and any(isinstance(packet, bytes) for packet in packets):
        return BINARY, b"".join(_binary(packet) for packet in packets)
    return TEXT, "".join(_text(packet) for packet in packets).encode()


def split_payload(content_type: str, body: bytes) -> Iterator[Packet]:
    """The packets of a payload, one after the other. Raises :class:`ProtocolError`."""
    if not body:
        raise ProtocolError("empty payload")
    if content_type.partition(";")[0].strip() == BINARY:
        return _split_binary(body)
    return _split_text(_decoded(body))


def in_base64(data: bytes) -> str:
    """As `packet.in_base64`."""
    return packets.in_base64(data, _BASE64)


def decode(text: str) -> Packet:
    """As `packet.decode`."""
    return packets.decode(text, _BASE64)


def _text(packet: Packet) -> str:
    text = packet if isinstance(packet, str) else in_base64(packet)
    return f"{len(text.encode('utf-16-le')) // 2}:{text}"


def _binary(packet: Packet) -> bytes:
    kind, data = (_STRING, packet.encode()) if isinstance(packet, str) else (_BYTES, BINARY_MESSAGE + packet)
    return bytes((kind, *map(int, str(len(data))), _END)) + data


def _split_text(payload: str) -> Iterator[Packet]:
    units = payload.encode("utf-16-le")
    start = 0
    while start < len(units):
        # Two bytes a unit; the colon must come soon.
        digits = units[start : start + 2 * (_MAX_DIGITS + 1)].decode("utf-16-le", "replace").partition(":")[0]
        if not digits.isascii() or not digits.isdigit() or len(digits) > _MAX_DIGITS:
            raise ProtocolError("broken length")
        begin = start + 2 * (len(digits) + 1)
        start = begin + 2 * int(digits)
        if start > len(units):
            raise ProtocolError("broken length")
        try:
            yield decode(units[begin:start].decode("utf-16-le"))
        except UnicodeDecodeError:
            raise ProtocolError("broken length") from None


def _split_binary(payload: bytes) -> Iterator[Packet]:
    start = 0
    while start < len(payload):
        end = payload.find(_END.to_bytes(), start, start + _MAX_DIGITS + 2)
        digits = payload[start + 1 : end]
        if end < 0 or not digits or any(digit > 9 for digit in digits):
            raise ProtocolError("broken length")
        begin = end + 1
        kind, start = payload[start], begin + int("".join(map(str, digits)))
        data = payload[begin:start]
        if start > len(payload) or kind not in (_STRING, _BYTES):
            raise ProtocolError("broken payload")
        yield _message(data) if kind == _BYTES else decode(_decoded(data))


def _message(data: bytes) -> bytes:
    if data[:1] != BINARY_MESSAGE:
        raise ProtocolError("binary that is no message")
    return data[1:]


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ProtocolError("not UTF-8") from None
