"""The head of a plain request, as every browser and every client library sends it (RFC 9112, 2 to 6). Pure.

One expression says what is plain; it is narrower than the RFC wherever two parsers could read a head differently: no
folded lines, no bare CR or LF, no space before a colon or at the end of a line, nothing but ASCII, one target form,
one version, at most one length, no transfer coding. What is not plain is not refused here: it is somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

# Longer heads than this, in bytes, are not plain. Twisted Web's own bounds, for the others, are twice as wide.
MAX_HEAD = 8192

# Fields of a head, as Apache has it: a client has some twenty, and a few more behind proxies. Each takes a hundred
# bytes where it is the shortest there is, as long as its request waits or its connection is a WebSocket.
MAX_FIELDS = 100

END = b"\r\n\r\n"

# Possessive, so that an attacker's head is read once, but for what stands in brackets: Python 3.11.2 misreads a
# possessive group with a choice inside, and takes for whole what has no end.
LINE = re.compile(rb"(GET|POST) (/[!-~]*+) HTTP/1\.1\r\n")
_HEAD = re.compile(
    LINE.pattern + rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:(?: ?[!-~][\t -~]*+(?<![\t ]))?\r\n)+)\r\n"
)
_FIELD = re.compile("([^:]+): ?([^\r]*)\r\n")
_BEGINNINGS = (b"GET /", b"POST /")
LENGTH = re.compile("[0-9]{1,15}")

# What changes how a request is framed or answered, beside its length.
_SPECIAL = frozenset(("transfer-encoding", "expect", "trailer", "te", "http2-settings"))

_CONNECTIONS = frozenset(("keep-alive", "close", "upgrade", "keep-alive, upgrade"))

# What may stand more than once, and is a list then. Anything else that does is not plain.
_LISTS = frozenset(("accept", "accept-encoding", "accept-language", "cache-control", "via", "x-forwarded-for"))


@attrs.define
class Head:
    """``headers``: lower-case names. ``length``: bytes of the body. ``close``: the connection ends with the answer."""

    method: str
    target: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    length: int
    close: bool


def may_be_plain(data: bytes) -> bool:
    """Whether ``data`` may be the beginning of a plain head whose end has not come yet."""
    return len(data) < MAX_HEAD and any(data[: len(each)] == each[: len(data)] for each in _BEGINNINGS)


def parse(head: bytes) -> Head | None:
    """A whole head, its empty line included; ``None`` where it is not plain."""
    match = _HEAD.fullmatch(head) if len(head) <= MAX_HEAD else None
    if match is None:
        return None
    fields = _FIELD.findall(match[3].decode())
    if len(fields) > MAX_FIELDS:
        return None
    headers = {name.lower(): value for name, value in fields}
    if len(headers) < len(fields) and not _join(headers, fields):
        return None
    return _framed(match[1].decode(), match[2].decode(), headers)


def _join(headers: dict[str, str], fields: list[tuple[str, str]]) -> bool:
    """Let ``headers`` have all values of a list that came as several fields. False: something else is repeated."""
    values: dict[str, list[str]] = {}
    for name, value in fields:
        values.setdefault(name.lower(), []).append(value)
    headers |= {name: ", ".join(each) for name, each in values.items()}
    return all(len(each) == 1 or name in _LISTS for name, each in values.items())


def _framed(method: str, target: str, headers: dict[str, str]) -> Head | None:
    """The head of a request that is framed in the one way that is plain."""
    if "host" not in headers or not _SPECIAL.isdisjoint(headers):
        return None
    connection = headers.get("connection", "keep-alive").lower()
    if connection not in _CONNECTIONS:
        return None
    length = headers.get("content-length")
    if method == "GET":
        return Head(method, target, headers, 0, connection == "close") if length is None else None
    if length is None or LENGTH.fullmatch(length) is None:
        return None
    return Head(method, target, headers, int(length), connection == "close")
