"""The heads of one connection: a client repeats its fields, byte for byte, so only the request line is read again.

Long polling is two requests for each message, and their fields, which are most of a head, differ by a length at most.
"""

from __future__ import annotations

from yekta.web.plain import LINE, MAX_HEAD, Head, parse

# Blocks of fields that are longer, in bytes, are not remembered: there may be a hundred thousand connections.
MAX_BLOCK = 2048


class Heads:
    """Reads heads as `parse` does. For each method it remembers the last block of fields, and what was read there."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[bytes, Head]] = {}

    def parse(self, head: bytes) -> Head | None:
        """A whole head, its empty line included; ``None`` where it is not plain."""
        line = LINE.match(head)
        if line is None or len(head) > MAX_HEAD:
            return None
        block = head[line.end() :]
        known = self._known.get(line[1])
        if known is not None and known[0] == block:
            last = known[1]
            return Head(last.method, line[2].decode(), last.headers, last.length, last.close)
        read = parse(head)
        if read is not None and len(block) <= MAX_BLOCK:
            self._known[line[1]] = block, read
        return read
