"""The one msgpack seam, as `jsontext` is for JSON."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import msgspec

# How the clients' encoder (notepack.io 2) writes `undefined`, `Date` and buffers: one byte, milliseconds in eight, or
# what the buffer holds. The reader tells us the length of an extension and not how it was written: a buffer of one
# byte, or of eight, is taken for what it is not.
_JAVASCRIPT = 0
_UNDEFINED, _DATE = 1, 8

# Dates and buffers in one message: one in forty bytes of a megabyte, some 25 ms. Each takes three bytes at least.
MAX_EXTENSIONS = 25_000
_SMALLEST_EXTENSION = 3

# Values of one message that are looked at for its keys' sake: two bytes each in a megabyte, some 40 ms.
MAX_VALUES = 500_000

# Maps and arrays of one message, some 60 ms and 15 MB: more than a megabyte has rows, {"x":1,"y":2}. Of the smallest,
# one in the other, it would be 200 ms and 90 MB.
MAX_CONTAINERS = 170_000

# How each of them begins. Much text has these bytes as well: where there are many, it is looked at closely.
_CONTAINERS = bytes((*range(0x80, 0xA0), *range(0xDC, 0xE0)))

_EPOCH = datetime(1970, 1, 1)

# How a value begins (msgpack's specification, "Formats"): with its head, and where that has one, the big-endian field
# of a length or a number of values.
_WIDTHS = (
    dict.fromkeys((0xC4, 0xC7, 0xD9), 1)
    | dict.fromkeys((0xC5, 0xC8, 0xDA, 0xDC, 0xDE), 2)
    | dict.fromkeys((0xC6, 0xC9, 0xDB, 0xDD, 0xDF), 4)
)
_ARRAY, _BYTES_8, _ARRAY_16, _MAP_16 = 0x90, 0xC4, 0xDC, 0xDE
_EXTENSIONS = range(0xC7, 0xCA)
_TEXT = frozenset((*range(0xA0, 0xC0), *range(0xD9, 0xDC)))

# The bytes of a value, where its head alone tells them; else 0.
_SIZES = bytes(
    [1] * 0x80  # Small numbers.
    + [0] * 0x20  # Small maps and arrays.
    + [*range(1, 0x21)]  # Short text.
    + [1, 0, 1, 1, 0, 0, 0, 0, 0, 0]  # None, false, true; bytes and extensions.
    + [5, 9, 2, 3, 5, 9, 2, 3, 5, 9]  # Numbers.
    + [3, 4, 6, 10, 18]  # Extensions of 1, 2, 4, 8 and 16 bytes.
    + [0] * 7  # Text, arrays, maps.
    + [1] * 0x20  # Small numbers below zero.
)

# So many numbers in a row are passed at once.
_RUN = 64
_NUMBERS = re.compile(
    rb"(?s)(?:[\x00-\x7f\xe0-\xff]|[\xcc\xd0].|[\xcd\xd1]..|[\xca\xce\xd2].{4}|[\xcb\xcf\xd3].{8}){%d}" % _RUN
)


class NotMsgpack(ValueError):
    """Not msgpack, or a value that it cannot say. Quotes nothing."""


def decode(data: bytes) -> Any:
    """The value that ``data`` spells; bytes stay bytes. Raises :class:`NotMsgpack`.

    The keys of a map that has more than 15 entries must be text, as all are in JSON.
    """
    small = len(data) < MAX_EXTENSIONS * _SMALLEST_EXTENSION
    decoder = _decoder if small else msgspec.msgpack.Decoder(ext_hook=_Bounded().extension)
    try:
        _look_at(data)
        return decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, ValueError, TypeError, IndexError):
        raise NotMsgpack from None


def encode(value: Any) -> bytes:
    """Msgpack. Raises :class:`NotMsgpack`."""
    try:
        return _encoder.encode(value)
    except (msgspec.EncodeError, TypeError, RecursionError, ValueError, OverflowError):
        raise NotMsgpack from None


def encode_readable(value: Any) -> bytes:
    """As :func:`encode`, of what `decode` takes, but for extensions and depth."""
    data = encode(value)
    _look_at(data)
    return data


class _Bounded:
    """The extensions of one message."""

    _left = MAX_EXTENSIONS

    def extension(self, code: int, data: memoryview) -> Any:
        if len(data) != _UNDEFINED:
            self._left -= 1
            if self._left < 0:
                raise ValueError(code)
        return _extension(code, data)


def _extension(code: int, data: memoryview) -> Any:
    if code != _JAVASCRIPT:
        raise ValueError(code)
    if len(data) == _UNDEFINED:
        return None
    if len(data) == _DATE:
        return _date(int.from_bytes(data, "big", signed=True))
    return bytes(data)


def _date(milliseconds: int) -> str:
    """What JSON makes of a `Date`, so that an application gets the same from every client."""
    seconds, rest = divmod(milliseconds, 1000)
    try:
        date = _EPOCH + timedelta(0, seconds)
    except OverflowError:
        raise ValueError(milliseconds) from None
    return f"{date.isoformat()}.{rest:03}Z"


_decoder = msgspec.msgpack.Decoder(ext_hook=_extension)
_encoder = msgspec.msgpack.Encoder()


def _look_at(data: bytes) -> None:
    """`_check` ``data`` where there is anything to check."""
    if b"\xde" in data or b"\xdf" in data or _may_be_many(data):
        _check(data)


def _may_be_many(data: bytes) -> bool:
    """Whether there may be more maps and arrays than may be. It takes 1 ms for a megabyte."""
    size = len(data)
    return size > MAX_CONTAINERS and size - len(data.translate(None, _CONTAINERS)) > MAX_CONTAINERS


# -- keys ----------------------------------------------------------------------------------------------------


def _check(data: bytes) -> None:
    """Raises :class:`NotMsgpack` for keys that are not text, in any map whose head tells of more than 15 entries, and
    for too many maps and arrays; `IndexError` where it ends too soon.

    An array that is a key becomes a tuple, whose hash anybody can foresee: 64,000 of one hash fit into a megabyte, and
    to put them into one dict takes half a minute. The hashes of text and bytes differ from process to process, and of
    numbers only a few dozen have the same: it takes arrays, and many in one map. The head of a map with more than 15
    entries is DE or DF, which hardly any text holds (nor does Persian, in UTF-8). So a message without these bytes is
    known to be harmless after 20 us for each megabyte.

    Where they occur, this takes for a megabyte of floats 4 ms (reading it: 1 ms), of numbers of a byte 15 (4), of small
    rows 20 to 30 (6 to 14), of one map of small arrays 25 (14), of bytes nothing, and of the worst 45 (45).
    """
    at, left, in_map, containers = 0, 1, False, MAX_CONTAINERS
    outer: list[tuple[int, bool]] = []
    for _ in range(MAX_VALUES):
        while not left:
            if not outer:
                return
            left, in_map = outer.pop()
        head = data[at]
        if in_map and not left % 2 and head not in _TEXT:
            raise NotMsgpack
        left -= 1
        if size := _SIZES[head]:
            at += size
            continue
        width = _WIDTHS.get(head, 0)
        number = int.from_bytes(data[at + 1 : at + 1 + width], "big") if width else head & 15
        at += 1 + width
        if _BYTES_8 <= head < _ARRAY_16:
            at += number + (head in _EXTENSIONS)
            continue
        containers -= 1
        if containers < 0:
            raise NotMsgpack
        if head >= _MAP_16:
            outer.append((left, in_map))
            left, in_map = 2 * number, True
        else:
            at, number = _past_numbers(data, at, number) if width else (at, number)
            if in_map:
                outer.append((left, in_map))
                left, in_map = 0, False
            # The values of a small one count as the next of the one around it: nothing is asked of its keys.
            left += number if width or head >= _ARRAY else 2 * number
    raise NotMsgpack


def _past_numbers(data: bytes, at: int, count: int) -> tuple[int, int]:
    """Where the first of ``count`` values is that may be anything but a number, and how many are left from there on."""
    while count >= _RUN and (run := _NUMBERS.match(data, at)):
        at, count = run.end(), count - _RUN
    return at, count
