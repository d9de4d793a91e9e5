"""The one msgpack seam, as `jsontext` is for JSON."""

from __future__ import annotations

from typing import Any

import msgspec

# JavaScript's `undefined`, as the clients' encoder writes it.
_UNDEFINED = 0


class NotMsgpack(ValueError):
    """Not msgpack, or a value that it cannot say. Quotes nothing."""


def decode(data: bytes) -> Any:
    """The value that ``data`` spells; bytes stay bytes. Raises :class:`NotMsgpack`."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise NotMsgpack from None


def encode(value: Any) -> bytes:
    """Msgpack. Raises :class:`NotMsgpack`."""
    try:
        return _encoder.encode(value)
    except (msgspec.EncodeError, TypeError, RecursionError, ValueError, OverflowError):
        raise NotMsgpack from None


def _extension(code: int, data: memoryview) -> Any:
    if code == _UNDEFINED:
        return None
    raise ValueError(code)


_decoder = msgspec.msgpack.Decoder(ext_hook=_extension)
_encoder = msgspec.msgpack.Encoder()
