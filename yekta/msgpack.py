"""The one msgpack seam, as `jsontext` is for JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

# How the clients' encoder (notepack.io 2) writes `undefined` and `Date`: one byte, or milliseconds in eight.
_JAVASCRIPT = 0
_UNDEFINED, _DATE = 1, 8

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NotMsgpack(ValueError):
    """Not msgpack, or a value that it cannot say. Quotes nothing."""


def decode(data: bytes) -> Any:
    """The value that ``data`` spells; bytes stay bytes. Raises :class:`NotMsgpack`."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, ValueError, TypeError):
        raise NotMsgpack from None


def encode(value: Any) -> bytes:
    """Msgpack. Raises :class:`NotMsgpack`."""
    try:
        return _encoder.encode(value)
    except (msgspec.EncodeError, TypeError, RecursionError, ValueError, OverflowError):
        raise NotMsgpack from None


def _extension(code: int, data: memoryview) -> Any:
    if code == _JAVASCRIPT and len(data) == _UNDEFINED:
        return None
    if code == _JAVASCRIPT and len(data) == _DATE:
        return _date(int.from_bytes(data, "big", signed=True))
    raise ValueError(code)


def _date(milliseconds: int) -> str:
    """What JSON makes of a `Date`, so that an application gets the same from every client."""
    try:
        date = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise ValueError(milliseconds) from None
    return date.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_decoder = msgspec.msgpack.Decoder(ext_hook=_extension)
_encoder = msgspec.msgpack.Encoder()
