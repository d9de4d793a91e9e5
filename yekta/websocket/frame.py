"""WebSocket frames of the common kind: whole, masked text frames in; text, binary frames out (RFC 6455, 5.2).

Pure bytes. Knows neither connections nor Autobahn: what is not of the common kind is simply left where it stands.
"""

from __future__ import annotations

# FIN and opcode (RFC 6455, 5.2): a message that is whole in one frame.
TEXT = 0x81
BINARY = 0x82

_MASKED = 0x80
_SHORT = 125
_SIXTEEN_BITS = 126
_SIXTY_FOUR_BITS = 127

_from_bytes = int.from_bytes

# The heads of short text frames, by length.
_TEXT_HEADS = tuple(bytes((TEXT, length)) for length in range(_SHORT + 1))


def take_texts(data: bytes, limit: int) -> tuple[list[bytes], int]:
    """The payloads of the whole masked text frames that ``data`` begins with, unmasked, and where the rest begins.

    Stops at the first thing that is anything else: a fragment, a control or binary frame, a compressed or broken one, a
    frame over ``limit`` bytes or with a 64-bit length, or a frame that has not arrived whole.
    """
    payloads = []
    start, size = 0, len(data)
    while size - start > 5 and data[start] == TEXT:
        length = data[start + 1] - _MASKED
        mask = start + 2
        if length == _SIXTEEN_BITS:
            length = data[start + 2] << 8 | data[start + 3]
            mask = start + 4
            # A length that fits seven bits must use them (5.2): Autobahn answers that.
            if length < _SIXTEEN_BITS:
                break
        elif not 0 <= length <= _SHORT:
            break
        body = mask + 4
        end = body + length
        if end > size or length > limit:
            break
        payloads.append(unmask(data[mask:body], data[body:end]))
        start = end
    return payloads, start


def unmask(mask: bytes, payload: bytes) -> bytes:
    """``payload`` with the four ``mask`` bytes taken off (RFC 6455, 5.3), as one operation on a large integer."""
    length = len(payload)
    key = (mask * ((length + 3) >> 2))[:length]
    return (_from_bytes(payload, "little") ^ _from_bytes(key, "little")).to_bytes(length, "little")


def frame(kind: int, payload: bytes) -> bytes:
    """One whole unmasked frame, as servers send them; ``kind`` is :data:`TEXT` or :data:`BINARY`."""
    length = len(payload)
    if length <= _SHORT:
        return (_TEXT_HEADS[length] if kind == TEXT else bytes((kind, length))) + payload
    if length < 1 << 16:
        return bytes((kind, _SIXTEEN_BITS)) + length.to_bytes(2, "big") + payload
    return bytes((kind, _SIXTY_FOUR_BITS)) + length.to_bytes(8, "big") + payload
