"""Engine.IO 4 packets and payloads (Engine.IO protocol, "Packet encoding" and "Payload encoding"). Pure.

A packet is its own wire form: text whose first character is the type, or bytes, which are a binary message. WebSocket
sends it as it is; long polling joins packets to a payload.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable

from yekta.engineio.errors import ProtocolError

Packet = str | bytes

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"
PING_PROBE, PONG_PROBE = "2probe", "3probe"

_TYPES = frozenset("0123456")

# Of a payload; spelled as Node does.
_SEPARATOR = "\x1e"
_BINARY = "b"


def encode_payload(packets: Iterable[Packet]) -> str:
    """One payload with all ``packets``; bytes become base64."""
    return _SEPARATOR.join(
        packet if isinstance(packet, str) else _BINARY + b64encode(packet).decode() for packet in packets
    )


def decode_payload(payload: str) -> list[Packet]:
    """The packets of a payload. Raises :class:`ProtocolError` where any is malformed: none is skipped."""
    return [_decode(text) for text in payload.split(_SEPARATOR)]


def _decode(text: str) -> Packet:
    if text[:1] in _TYPES and text:
        return text
    if text[:1] != _BINARY:
        raise ProtocolError("unknown packet type")
    try:
        return b64decode(text[1:], validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError("broken base64") from None

