"""WebSocket frames of the common kind: whole, masked text frames in; text, binary frames out (RFC 6455, 5.2).

Pure bytes. Knows neither connections nor Autobahn: what is not of the common kind is simply left where it stands.
"""

from __future__ import annotations

from collections.abc import Callable

# FIN and opcode (RFC 6455, 5.2): a message that is whole in one frame.
TEXT = 0x81
BINARY = 0x82
CLOSE = 0x88

_MASKED = 0x80
_SHORT = 125
_SIXTEEN_BITS = 126
_SIXTY_FOUR_BITS = 127

# From so many bytes on, another way to unmask may be worth calling.
LONG = 126

# Text as it arrives: it should be UTF-8, and nobody has looked yet.
Utf8 = bytes

# How many texts are taken before others have their turn: most chunks have fewer. Of packed ones a chunk may hold sixty,
# and each may unpack to a megabyte.
BATCH, PACKED_BATCH = range(128), range(1)

# Takes a mask and a payload, which is its own.
Unmask = Callable[[bytes, bytes], Utf8]

_CLOSE_WITH_CODE, _CLOSE_WITHOUT = bytes((CLOSE, _MASKED | 2)), bytes((CLOSE, _MASKED))

_from_bytes = int.from_bytes


def unmask(mask: bytes, payload: bytes) -> bytes:
    """``payload`` with the four ``mask`` bytes taken off (RFC 6455, 5.3), as one operation on a large integer."""
    length = len(payload)
    key = (mask * ((length + 3) >> 2))[:length]
    return (_from_bytes(payload, "little") ^ _from_bytes(key, "little")).to_bytes(length, "little")


def take_texts(
    data: bytes, limit: int, unmask_long: Unmask = unmask, kind: int = TEXT, batch: range = BATCH
) -> tuple[list[Utf8], int, int]:
    """The whole masked text frames that ``data`` begins with: their payloads, unmasked, and where the rest begins.

    Stops when it has a ``batch`` of them, and at the first thing that is anything else: a fragment, a control or binary
    frame, a compressed or broken one, or a frame over ``limit`` bytes. The third result is how many bytes are missing
    where the rest is a text frame that has not arrived whole, as far as that is known. ``unmask_long`` may know a
    faster way for long payloads. ``kind``: the first byte of each.
    """
    payloads: list[Utf8] = []
    start, size = 0, len(data)
    for _ in batch:
        if size - start <= 5 or data[start] != kind:
            break
        length = data[start + 1] - _MASKED
        body = start + 6
        if length > _SHORT:
            length, body = _long_length(data, start, length)
        # No mask, or a length that is spelled with more bytes than it needs (5.2): Autobahn answers that.
        if length < 0 or length > limit:
            break
        end = body + length
        if end > size:
            return payloads, start, end - size
        mask, payload, start = data[body - 4 : body], data[body:end], end
        if length < LONG:
            # As `unmask`, without a call.
            key = _from_bytes((mask * ((length + 3) >> 2))[:length], "little")
            payloads.append((_from_bytes(payload, "little") ^ key).to_bytes(length, "little"))
        else:
            payloads.append(unmask_long(mask, payload))
    return payloads, start, 0


def _long_length(data: bytes, start: int, marker: int) -> tuple[int, int]:
    """Length and place of the payload of a frame that spells its length in 16 or 64 bits; -1 where it should not."""
    if marker == _SIXTEEN_BITS:
        length = data[start + 2] << 8 | data[start + 3]
        return length if length > _SHORT else -1, start + 8
    if len(data) - start < 10:
        return -1, 0
    length = _from_bytes(data[start + 2 : start + 10], "big")
    return length if length >> 16 else -1, start + 14


def goodbye(data: bytes) -> bytes | None:
    """What a short close frame says, its code or nothing (5.5.1), if ``data`` is one with a mask and nothing else."""
    if data[:2] == _CLOSE_WITH_CODE and len(data) == 8:
        return bytes((data[2] ^ data[6], data[3] ^ data[7]))
    return b"" if data[:2] == _CLOSE_WITHOUT and len(data) == 6 else None


def short_reason(reason: str) -> bytes:
    """What of ``reason`` fits into a close frame (5.5), without half a character at its end."""
    return reason.encode()[:123].decode(errors="ignore").encode()


def frame(kind: int, payload: bytes) -> bytes:
    """One whole unmasked frame, as servers send them; ``kind`` is :data:`TEXT`, :data:`BINARY` or :data:`CLOSE`."""
    return head(kind, len(payload)) + payload


def head(kind: int, length: int) -> bytes:
    """What a frame begins with whose payload has ``length`` bytes."""
    if length <= _SHORT:
        return bytes((kind, length))
    if length < 1 << 16:
        return (kind << 24 | _SIXTEEN_BITS << 16 | length).to_bytes(4, "big")
    return bytes((kind, _SIXTY_FOUR_BITS)) + length.to_bytes(8, "big")


# The heads of most text frames, by length.
TEXT_HEADS = tuple(head(TEXT, length) for length in range(1 << 11))
