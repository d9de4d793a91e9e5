"""Requests for a WebSocket whose fields differ in nothing but their key (RFC 6455, 4.1), and in where a proxy says that
their client is: read once, and shared by all.

Every page of an application asks with the same fields. Sharing them saves half of the time it takes to read a head, and
the kilobytes that the fields of each idle connection would take. Only those are shared that do not say who somebody is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from yekta.lru import Lru
from yekta.web.personal import Personal
from yekta.web.plain import LINE, Head, parse
from yekta.web.request import KEY

NAME = b"\r\nSec-WebSocket-Key: "

_KEY = re.compile(rb"([A-Za-z0-9+/]{22}==)\r\n")

# How many sets of fields are remembered, and how long a head with one may be, in bytes.
MOST, MAX_BYTES = 256, 2048

# The fields that do not say who somebody is.
SHARED = re.compile(
    "host|upgrade|connection|user-agent|origin|referer|cache-control|pragma|priority|dnt|via"
    "|accept(-encoding|-language)?|content-type"
    "|sec-(fetch|ch|gpc)(-[a-z-]+)?|sec-websocket-(key|version|extensions)|x-forwarded-(proto|host|port|server)"
)

# What proxies call the field that says where a client is, and what it says: an address, or a list of them.
_OWN = tuple(
    (b"\n" + name + b": ", name.decode().lower())
    for name in (b"X-Forwarded-For", b"x-forwarded-for", b"X-Real-IP", b"X-Real-Ip", b"x-real-ip")
)
_ADDRESSES = re.compile(rb"([0-9A-Fa-f:.]++(?:, [0-9A-Fa-f:.]++)*+)\r\n")


class Alike:
    """What is shared by the clients of one site."""

    def __init__(self) -> None:
        self._known: Lru[bytes, Head] = Lru(MOST)

    def __len__(self) -> int:
        return len(self._known)

    def parse(self, head: bytes) -> tuple[Head | None, str]:
        """A whole head with `NAME` in it, as `plain.parse` reads it; and its key, where it is not among the fields."""
        line, start = LINE.match(head), head.find(NAME) + len(NAME)
        key = _KEY.match(head, start)
        if line is None or key is None or line[1] != b"GET" or len(head) > MAX_BYTES:
            return parse(head), ""
        # The line feed before it is the one that ends the request line.
        fields = head[line.end() - 1 : start] + head[key.end(1) :]
        known = self._known.get(fields)
        if known is None:
            return self._parse_own(head, fields, line[2].decode(), key[1].decode())
        return Head(known.method, line[2].decode(), known.headers, 0, known.close), key[1].decode()

    def _parse_own(self, head: bytes, fields: bytes, target: str, key: str) -> tuple[Head | None, str]:
        """A head whose fields are not known as they are."""
        fields, own = _without_own(fields)
        known = self._known.get(fields)
        if known is None:
            return self._learn(head, fields, own)
        return Head(known.method, target, _with_own(known.headers, own), 0, known.close), key

    def _learn(self, head: bytes, fields: bytes, own: Mapping[str, str]) -> tuple[Head | None, str]:
        read = parse(head)
        if read is None:
            return None, ""
        common = {name: value for name, value in read.headers.items() if own.get(name) != value}
        if not all(map(SHARED.fullmatch, common)):
            return read, ""
        key = common.pop(KEY)
        # Nobody may change what others see as well.
        shared = MappingProxyType(common)
        self._known.put(fields, Head(read.method, "", shared, 0, read.close))
        read.headers = _with_own(shared, own)
        return read, key


def _without_own(fields: bytes) -> tuple[bytes, dict[str, str]]:
    """What is left of ``fields`` without those that are one client's own, and these."""
    own: dict[str, str] = {}
    for line, name in _OWN:
        at = fields.find(line)
        value = _ADDRESSES.match(fields, at + len(line)) if at >= 0 else None
        if value is not None and name not in own:
            own[name] = value[1].decode()
            fields = fields[: at + 1] + fields[value.end() :]
    return fields, own


def _with_own(shared: Mapping[str, str], own: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in own.items():
        shared = Personal(shared, name, value)
    return shared
