"""The fields of an answer, as they are written (RFC 9112, 5): the same few are, again and again, so they are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from twisted.logger import Logger

_log = Logger()

# One line, or several of the same name, as ``Set-Cookie`` may have.
Value = str | tuple[str, ...]

# RFC 9110, 5.6.2.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Written(dict[str, str]):
    """Headers that go with many answers and change no more: ``lines`` is what `write` makes of them."""

    __slots__ = ("lines",)

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(headers)
        self.lines = write(tuple(headers.items()), False)


def settle(headers: dict[Any, Any]) -> None:
    """Make text of what others have put in, as Node does: a number is its digits, a list the lines of one field, and
    bytes, as twisted.web has them, what they spell. What is no name of a field is logged and left out."""
    for name, value in [*headers.items()]:
        if isinstance(name, str) and isinstance(value, str) and _NAME.fullmatch(name):
            continue
        del headers[name]
        name = _text(name)
        if _NAME.fullmatch(name):
            headers[name] = tuple(map(_text, value)) if isinstance(value, list | tuple) else _text(value)
        else:
            # Not which: a client may have named it.
            _log.error("A header was left out whose name is none (RFC 9110, 5.1)")


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def tidy(headers: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """``headers``, one of a name, without a length. What a hook adds may be spelt in another way, or hold what would
    end a line."""
    fields = {" ".join(name.split()).title(): _in_one_line(value) for name, value in headers}
    fields.pop("Content-Length", None)
    return fields


def _in_one_line(value: Value) -> Value:
    if isinstance(value, str):
        return " ".join(value.splitlines())
    return tuple(" ".join(each.splitlines()) for each in value)


@lru_cache(maxsize=256)
def write(headers: tuple[tuple[str, Value], ...], close: bool) -> str:
    """The lines of ``headers``, without a length. ``close``: the connection ends with the answer."""
    fields = tidy(headers)
    if close:
        fields["Connection"] = "close"
    return "".join(
        f"{name}: {line}\r\n"
        for name, value in fields.items()
        for line in ((value,) if isinstance(value, str) else value)
    )
