"""The one JSON seam: text in, Python values out, and back.

Decoding follows what a browser's ``JSON.parse`` accepts (RFC 8259): no NaN, no Infinity, no byte order mark. A number
beyond 64 bits becomes a float, as in JavaScript. Every fault is a :class:`NotJson`, which quotes nothing of the input.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

_Default = Callable[[Any], Any]

# The bare reader, for what is read most: what it refuses with `Refused`, `decode` looks at once more.
loads, Refused = orjson.loads, orjson.JSONDecodeError
# The bare writer, and what it raises for what JSON cannot say.
dumps, Unsayable = orjson.dumps, TypeError
# ``COPY % text``, of what was encoded and is to be kept: orjson leaves each of its texts the room it was written in,
# 4 KiB. No function, since each event that is kept would call it.
COPY = b"%b"

# The first half of a character without the second, or the second without the first.
_HALF = re.compile(
    r"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..\\u[dD])[c-fC-F][0-9a-fA-F]{2})"
)


class NotJson(ValueError):
    """Not JSON text, or a value that JSON cannot say. Quotes nothing."""


def decode(text: str | bytes) -> Any:
    """The value that ``text`` spells. Raises :class:`NotJson` where it is not JSON or nests over 1,024 deep."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if r"\u" in text if isinstance(text, str) else rb"\u" in text:
            return _decode_lone_surrogates(text)
        raise NotJson from None


def encode(value: Any, default: _Default | None = None) -> str:
    """Compact JSON text. Raises :class:`NotJson` for what JSON cannot say; ``default`` maps such objects first.

    The encoder's depth limit is 254, so a decoded value may be too deep to be sent back.
    """
    return encode_bytes(value, default).decode()


def encode_bytes(value: Any, default: _Default | None = None) -> bytes:
    """As :func:`encode`, in UTF-8."""
    try:
        return orjson.dumps(value, default)
    except TypeError as error:
        # Names a type, or a limit, and no value.
        raise NotJson(str(error)) from None


def _decode_lone_surrogates(text: str | bytes) -> Any:
    r"""Half an emoji, as ``JSON.stringify`` writes it (``"\ud83d"``): valid JSON, but not valid UTF-8 afterwards.

    JavaScript cuts strings between the halves, so such text does arrive; each half becomes U+FFFD.
    """
    try:
        # Bytes would be let through with a byte order mark, or with surrogates in them.
        text = text if isinstance(text, str) else text.decode()
        # A backslash that is meant as one is spelled otherwise, so that each of the others begins an escape.
        whole, halves = _HALF.subn(r"\\ufffd", text.replace(r"\\", r"\u005c"))
        if not halves:
            raise NotJson
        return orjson.loads(whole)
    except ValueError:
        raise NotJson from None
