"""Compression (RFC 7692): the short way of whole text messages, past Autobahn's states.

Clients are asked to begin anew with each message (``client_no_context_takeover``), so that each can be unpacked by
itself and nothing is kept for those to come. What we send refers to what we have sent before, within a small window;
but for what many are sent, which is packed once for all of them and refers to nothing.
"""

from __future__ import annotations

import zlib
from typing import Any

from yekta.websocket.frame import TEXT, Utf8

# The bit in a frame's first byte (6).
PACKED = 0x40
PACKED_TEXT = TEXT | PACKED

# zlib keeps 32 KiB for each connection with these, and with its own defaults 256; text is packed as well.
WINDOW_BITS, MEM_LEVEL = 12, 5

# What senders leave out at the end of each message (7.2.1).
_END = b"\x00\x00\xff\xff"

# The widest window, which reads what was written with a narrower one.
_WIDEST = -15


class Corrupt(ValueError):
    """Not what a compressor writes."""


class TooLong(ValueError):
    """More than a message may have."""


def pack(compression: Any, payload: bytes) -> bytes:
    """``payload`` as the next message of a connection with this ``compression``, which is Autobahn's."""
    compression.start_compress_message()
    packed: bytes = compression.compress_message_data(payload) + compression.end_compress_message()
    return packed


def pack_alone(payload: bytes, window_bits: int) -> bytes:
    """``payload`` as a message that refers to nothing, for any connection with such a window."""
    packer = zlib.compressobj(wbits=-window_bits, memLevel=MEM_LEVEL)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH))[: -len(_END)]


def forget(compression: Any) -> None:
    """The next message of a connection refers to nothing that was sent until now: something is sent past its packer,
    which would miscount how far back it reaches."""
    if compression._compressor is not None:
        # What it says of that is an empty block, which nobody needs.
        compression._compressor.flush(zlib.Z_FULL_FLUSH)


def unpack(payload: Utf8, most: int) -> bytes:
    """A message of at most so many bytes. Raises :class:`Corrupt` and :class:`TooLong`."""
    unpacker = zlib.decompressobj(_WIDEST)
    try:
        # At most one byte too many is made, whatever is packed there.
        unpacked = unpacker.decompress(payload + _END, most + 1)
    except zlib.error:
        raise Corrupt from None
    if len(unpacked) > most:
        raise TooLong
    return unpacked
