"""How a client came: the facts that an application may look at."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import attrs

from yekta.web.request import Request


@attrs.frozen
class Handshake:
    """Facts of the first request, and the ``auth`` that the client sent to this namespace.

    ``issued`` in milliseconds, ``time`` as text, ``cross_domain``: whether a web page of some origin connects.
    """

    headers: dict[str, str] = attrs.field(repr=False)
    query: dict[str, str] = attrs.field(repr=False)
    auth: dict[str, Any] = attrs.field(repr=False)
    address: str
    secure: bool
    cross_domain: bool
    url: str = attrs.field(repr=False)
    issued: int
    time: str


# What other servers, and whoever looks at a list of sockets, must not see.
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization")
_SECRET_FIELDS = ("token", "pid")


def handshake(request: Request, auth: dict[str, Any], now: float) -> Handshake:
    """The handshake of a client that came with ``request``."""
    return Handshake(
        headers=dict(request.headers),
        query=dict(request.query),
        auth=auth,
        address=request.address,
        secure=request.secure,
        cross_domain=request.origin is not None,
        url=request.path,
        issued=round(now * 1000),
        time=formatdate(now, usegmt=True),
    )


def redacted(shown: Handshake) -> dict[str, Any]:
    """The handshake without its secrets, as a plain dictionary."""
    return {
        **attrs.asdict(shown),
        "auth": {},
        "headers": {name: value for name, value in shown.headers.items() if name not in _SECRET_HEADERS},
        "query": {name: value for name, value in shown.query.items() if name not in _SECRET_FIELDS},
    }
