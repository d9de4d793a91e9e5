"""How a client came: the facts that an application may look at."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

import attrs

from yekta.web.request import Request


@attrs.frozen(repr=False)
class Handshake:
    """Facts of the first request, and the ``auth`` that the client sent to this namespace.

    ``now``: when the client came to this namespace, in POSIX seconds.
    """

    _request: Request
    auth: Mapping[str, Any]
    _now: float

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name."""
        return self._request.headers

    @property
    def query(self) -> Mapping[str, str]:
        """The fields of the first request's query."""
        return self._request.query

    @property
    def address(self) -> str:
        """The client's IP address."""
        return self._request.address

    @property
    def secure(self) -> bool:
        """Whether it came over TLS."""
        return self._request.secure

    @property
    def cross_domain(self) -> bool:
        """Whether a web page of some origin connects."""
        return self._request.origin is not None

    @property
    def url(self) -> str:
        """The path."""
        return self._request.path

    @property
    def issued(self) -> int:
        """When the client came, in milliseconds."""
        return round(self._now * 1000)

    @property
    def time(self) -> str:
        """The same as text."""
        return formatdate(self._now, usegmt=True)


# What other servers, and whoever looks at a list of sockets, must not see.
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization")
_SECRET_FIELDS = ("token", "pid")


def redacted(shown: Handshake) -> dict[str, Any]:
    """The handshake without its secrets, as a plain dictionary."""
    return {
        "auth": {},
        "address": shown.address,
        "secure": shown.secure,
        "cross_domain": shown.cross_domain,
        "url": shown.url,
        "issued": shown.issued,
        "time": shown.time,
        "headers": {name: value for name, value in shown.headers.items() if name not in _SECRET_HEADERS},
        "query": {name: value for name, value in shown.query.items() if name not in _SECRET_FIELDS},
    }
