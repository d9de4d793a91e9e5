"""Which web pages may talk to us: the Origin check of every door, and the CORS headers that follow (Fetch, 3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

ALLOW_ORIGIN = "Access-Control-Allow-Origin"

# The slash that people write after an origin, but not the end of one without an authority: ``file://``.
_AFTER_AUTHORITY = re.compile("(?:(?<=[^/])|(?<=//))/$")

# What no browser says of an origin (RFC 6454, 6.1).
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}

# Names of header fields (RFC 9110, 5.6.1 and 5.6.2), as browsers list them.
_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:, ?[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")

# Characters: longer lists are not repeated. A page has a handful of names.
MAX_NAMES = 1024


def _origins(origins: Iterable[str]) -> frozenset[str]:
    given = [_AFTER_AUTHORITY.sub("", origin).lower() for origin in origins]
    return frozenset((*given, *map(_without_default_port, given)))


def _without_default_port(origin: str) -> str:
    return origin.removesuffix(_DEFAULT_PORTS.get(origin.partition("://")[0], ""))


@attrs.define
class Origins:
    """An allow-list of whole origins such as ``https://app.example``; ``*`` allows every page, without credentials.

    ``null`` is what browsers say for pages without an origin of their own, such as files and sandboxed frames.

    ``headers``: whether CORS headers are ours to send, or the reverse proxy's. ``own_ports``: a page that this host
    serves on one of them is ours, and passes. What is allowed may be changed at any time.
    """

    allowed: frozenset[str] = attrs.field(converter=_origins)
    headers: bool = True
    own_ports: frozenset[int] = frozenset()

    def allow(self, origin: str | None, host: str | None = None) -> bool:
        """Whether a request with this ``Origin`` header may pass. None at all passes, and so does our own ``host``."""
        if origin is None or "*" in self.allowed:
            return True
        origin = origin.lower()
        return origin in self.allowed or (host is not None and self._is_ours(origin, host.lower()))

    def _is_ours(self, origin: str, host: str) -> bool:
        authority = origin.partition("://")[2]
        name, _, port = authority.rpartition(":")
        ports = (str(own) for own in self.own_ports)
        return authority == host != "" or (port in ports and bool(name) and name == _hostname(host))

    def response_headers(self, origin: str | None, host: str | None = None) -> dict[str, str]:
        """The CORS headers of an answer to ``origin``; ``host`` is the request's, as for `allow`."""
        if not self.headers:
            return {}
        if origin is None or not self.allow(origin, host):
            return {"Vary": "Origin"}
        if "*" in self.allowed:
            return {ALLOW_ORIGIN: "*"}
        return {
            ALLOW_ORIGIN: origin,
            "Access-Control-Allow-Credentials": "true",
            "Vary": "Origin",
        }

    def preflight_headers(
        self, origin: str | None, host: str | None = None, asked: str | None = None
    ) -> dict[str, str]:
        """The CORS headers of an answer to ``OPTIONS``. ``asked``: the fields that the page wants to send, a list that
        is allowed as it is where it is one; ``None`` where only REST's are."""
        headers = self.response_headers(origin, host)
        if ALLOW_ORIGIN not in headers:
            return headers
        names = "Content-Type, Authorization, X-Requested-With, Last-Event-ID"
        if asked is not None:
            headers["Vary"] = ", ".join(filter(None, (headers.get("Vary"), "Access-Control-Request-Headers")))
            if len(asked) <= MAX_NAMES and _NAMES.fullmatch(asked):
                names = asked
        return {
            **headers,
            "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, PATCH, OPTIONS",
            "Access-Control-Allow-Headers": names,
            "Access-Control-Max-Age": "86400",
        }


def _hostname(host: str) -> str:
    """A ``Host`` header without its port; an IPv6 address keeps its brackets."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
