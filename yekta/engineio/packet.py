"""Engine.IO 4 packets and payloads (Engine.IO protocol, "Packet encoding" and "Payload encoding"). Pure.

A packet is its own wire form: text whose first character is the type, or bytes, which are a binary message. WebSocket
sends it as it is, unless its client wants all as text; long polling joins packets to a payload.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence

from yekta.engineio.errors import ProtocolError
from yekta.websocket.frame import BINARY, TEXT, frame

Packet = str | bytes

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"
PING_PROBE, PONG_PROBE = "2probe", "3probe"

# What every packet of text begins with.
TYPES = frozenset((OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP))

# Of a payload.
_SEPARATOR = "\x1e"
# What bytes begin with that are written as text.
_BASE64 = "b"

# A packet of a payload that is neither text of a known type nor base64.
_MALFORMED = re.compile(
    "(?:\\A|\x1e)(?![0-6]|b(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?(?:\x1e|\\Z))"
)


def framed(packet: Packet) -> bytes:
    """The WebSocket frame that carries ``packet``, not compressed."""
    return frame(TEXT, packet.encode()) if isinstance(packet, str) else frame(BINARY, packet)


def encode_payload(packets: Sequence[Packet]) -> str:
    """One payload with all ``packets``; bytes become base64."""
    if len(packets) == 1 and isinstance(packets[0], str):
        return packets[0]
    return _SEPARATOR.join(
        packet if isinstance(packet, str) else in_base64(packet) for packet in packets
    )


def decode_payload(payload: str) -> list[Packet]:
    """The packets of a payload. Raises :class:`ProtocolError` where any is malformed: none is skipped."""
    return list(split_payload(payload))


def split_payload(payload: str) -> Iterator[Packet]:
    """As `decode_payload`, one after the other: half a million packets fit into one payload."""
    if payload[:1] in TYPES and _SEPARATOR not in payload:
        return iter((payload,))
    if _MALFORMED.search(payload):
        raise ProtocolError("malformed packet")
    return _split(payload)


def _split(payload: str) -> Iterator[Packet]:
    start = 0
    while (end := payload.find(_SEPARATOR, start)) >= 0:
        yield decode(payload[start:end])
        start = end + 1
    yield decode(payload[start:])


def in_base64(data: bytes, mark: str = _BASE64) -> str:
    """A binary message as text, which begins with ``mark``."""
    return mark + b64encode(data).decode()


def decode(text: str, mark: str = _BASE64) -> Packet:
    """The packet that a text is; ``mark`` is as for `in_base64`. Raises :class:`ProtocolError` where it is none."""
    if text[:1] in TYPES:
        return text
    if not text.startswith(mark):
        raise ProtocolError("unknown packet type")
    try:
        return b64decode(text.removeprefix(mark), validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError("broken base64") from None
