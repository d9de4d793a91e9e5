"""The fields of an answer, as they are written (RFC 9112, 5): the same few are, again and again, so they are kept."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache


class Written(dict[str, str]):
    """Headers that go with many answers and change no more: ``lines`` is what `write` makes of them."""

    __slots__ = ("lines",)

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(headers)
        self.lines = write(tuple(headers.items()), False)


def tidy(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """``headers``, one of a name, without a length. What a hook adds may be spelt in another way, or hold what would
    end a line."""
    fields = {" ".join(name.split()).title(): " ".join(value.splitlines()) for name, value in headers}
    fields.pop("Content-Length", None)
    return fields


@lru_cache(maxsize=256)
def write(headers: tuple[tuple[str, str], ...], close: bool) -> str:
    """The lines of ``headers``, without a length. ``close``: the connection ends with the answer."""
    fields = tidy(headers)
    if close:
        fields["Connection"] = "close"
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())
