"""What is known of a request of twisted.web, of any site."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.web import http

from yekta.web.counted import Counted
from yekta.web.forwarded import plainly, whereabouts
from yekta.web.request import Request, parse_target


def facts(request: http.Request) -> Request:
    """What our doors need to know of a twisted.web request. More query fields than we know: `ValueError`."""
    path, query = parse_target(request.uri.decode("latin-1"))
    headers = {
        name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    address, secure = _whereabouts(request, headers)
    return Request(request.method.decode("latin-1"), path, query, headers, address, secure)


def address_of(request: http.Request) -> str:
    """A client's address."""
    stated = request.requestHeaders.getRawHeaders(b"x-forwarded-for", [])
    return _whereabouts(request, {"x-forwarded-for": b",".join(stated).decode("latin-1")})[0]


def _whereabouts(request: http.Request, headers: Mapping[str, str]) -> tuple[str, bool]:
    """A client's address, and whether it came over TLS. The PROXY protocol's word counts as a header's does."""
    stated = getattr(request.getClientAddress(), "host", "")
    channel = getattr(request, "channel", None)
    if not isinstance(channel, Counted):
        return plainly(stated), request.isSecure()
    address, over_tls = whereabouts(channel.address, stated, headers, channel.site.limits.trusted)
    return address, over_tls or request.isSecure()


def head_of(request: http.Request, method: bytes, target: bytes, version: bytes) -> bytes:
    """The head of a request, as it may have come."""
    lines = [b"%s %s %s" % (method, target, version)]
    lines += [
        b"%s: %s" % (name, value)
        for name, values in request.requestHeaders.getAllRawHeaders()
        for value in values
    ]
    return b"\r\n".join([*lines, b"", b""])
