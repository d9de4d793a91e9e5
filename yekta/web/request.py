"""The facts of one HTTP request, apart from any server that received it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl

import attrs

# A request of ours has a handful of query fields; parsing more only serves an attacker.
MAX_FIELDS = 64

# As long as ``/socket.io/?EIO=4&transport=websocket`` with another path: shorter than a token or an id.
_COMMON = 42

# The header with the key of a WebSocket's opening handshake.
KEY = "sec-websocket-key"


# Not frozen: there is one for each request, and making it would take three times as long.
@attrs.define
class Request:
    """``query``: the first value of each field. ``headers``: lower-case names, repeated ones joined by ``", "``.

    ``address``: the client's address, without port. ``secure``: it came over TLS. ``query`` and ``headers`` may
    hold a token, so neither is shown by ``repr``.
    """

    method: str
    path: str
    query: Mapping[str, str] = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)
    address: str = ""
    secure: bool = False

    @property
    def origin(self) -> str | None:
        """The ``Origin`` header, or ``None``: not a browser, or a page of the same origin."""
        return self.headers.get("origin")

    @property
    def upgrade(self) -> bool:
        """Whether the client asks for a WebSocket (RFC 6455, 4.2.1)."""
        return self.headers.get("upgrade", "").lower() == "websocket"

    def bearer(self) -> str | None:
        """The token of ``Authorization: Bearer`` (RFC 6750, 2.1)."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return (token.strip() or None) if scheme.lower() == "bearer" else None


def parse_target(target: str) -> tuple[str, Mapping[str, str]]:
    """The path and the query of a request target, undecoded and decoded. More fields than we know: `ValueError`."""
    # Too short to hold anything that is one client's own, so most clients share it.
    return _parse_common(target) if len(target) <= _COMMON else _parse(target)


def _parse(target: str) -> tuple[str, Mapping[str, str]]:
    path, _, text = target.partition("?")
    if text.count("&") >= MAX_FIELDS:
        raise ValueError("more query fields than we know")
    query: dict[str, str] = {}
    if "%" in text or "+" in text:
        for name, value in parse_qsl(text, keep_blank_values=True):
            query.setdefault(name, value)
        return path, query
    # As `parse_qsl`, where nothing is escaped, for a fifth of its time.
    for field in text.split("&"):
        if field:
            name, _, value = field.partition("=")
            query.setdefault(name, value)
    return path, query


_parse_common = lru_cache(maxsize=64)(_parse)
