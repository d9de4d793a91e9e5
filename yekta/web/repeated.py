"""Heads that clients repeat, byte for byte or but for what is each one's own: read once for all of a site.

Long polling is two requests for each message, and all pages of an application say the same in them, directly or through
a proxy, whose connections carry many clients; but for a length, a cookie, or where the proxy says that a client is.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from yekta.web.alike import SHARED
from yekta.web.plain import LENGTH, LINE, MAX_HEAD, Head, parse

# How many heads are remembered, and how long each may be without what is one's own, in bytes. When there are so many,
# it begins anew.
MOST, MAX_BYTES = 512, 2048

# The fields that are one client's or one request's own: from the line feed before each up to its own.
_OWN = re.compile(
    rb"\n((?i:content-length|cookie|authorization|x-forwarded-for|x-real-ip)): ([!-~][\t -~]*+)(?<![\t ])\r(?=\n)"
)
_LENGTH = "content-length"


class Repeated:
    """Reads heads as `parse` does."""

    def __init__(self) -> None:
        # By the method and all fields, of heads with no field that is one client's own.
        self._whole: dict[bytes, dict[bytes, Head]] = {b"GET": {}, b"POST": {}}
        # By the method and what is left around one's own fields: what is read there, and the names of those fields.
        self._around: dict[tuple[bytes, ...], tuple[Head, tuple[str, ...]]] = {}

    def __len__(self) -> int:
        return len(self._around) + sum(len(known) for known in self._whole.values())

    def parse(self, head: bytes) -> Head | None:
        """A whole head, its empty line included; ``None`` where it is not plain."""
        line = LINE.match(head)
        if line is None or len(head) > MAX_HEAD:
            return None
        # From the line feed that ends the request line on.
        fields = head[line.end() - 1 :]
        known = self._whole[line[1]].get(fields)
        if known is not None:
            return Head(known.method, line[2].decode(), known.headers, known.length, known.close)
        parts = _OWN.split(fields)
        values = parts[2::3]
        del parts[2::3]
        kind = (line[1], *parts)
        around = self._around.get(kind)
        if around is None:
            return self._learn(head, fields, kind)
        known, names = around
        own = dict(zip(names, map(bytes.decode, values), strict=True))
        length = own.get(_LENGTH, "0")
        if LENGTH.fullmatch(length) is None:
            return None
        return Head(known.method, line[2].decode(), {**known.headers, **own}, int(length), known.close)

    def _learn(self, head: bytes, fields: bytes, kind: tuple[bytes, ...]) -> Head | None:
        read = parse(head)
        if read is None or sum(map(len, kind)) > MAX_BYTES:
            return read
        names = tuple(name.decode().lower() for name in kind[2::2])
        common = {name: value for name, value in read.headers.items() if name not in names}
        if len(set(names)) < len(names) or not all(map(SHARED.fullmatch, common)):
            return read
        if len(self) >= MOST:
            self._around.clear()
            self._whole = {method: {} for method in self._whole}
        if {*names} <= {_LENGTH}:
            # Nobody may change what others see as well.
            shared = MappingProxyType(read.headers)
            self._whole[kind[0]][fields] = Head(read.method, "", shared, read.length, read.close)
        else:
            self._around[kind] = Head(read.method, "", common, 0, read.close), names
        return read
