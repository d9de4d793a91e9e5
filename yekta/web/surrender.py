"""Taking a connection of twisted.web from HTTP, for another protocol or another process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.web import http
from twisted.web.http import HTTPChannel

from yekta.web.counted import Counted


def surrender(channel: HTTPChannel) -> tuple[Any, bytes, Callable[[], None]]:
    """Its transport, the bytes that came after the request, and what to call when it is lost. Any site's will do; ours
    goes on counting it."""
    transport: Any = channel.transport
    rest = b"".join(channel._dataBuffer) + channel.clearLineBuffer()
    channel.setTimeout(None)
    transport.unregisterProducer()
    for request in channel.requests:
        _part(request)
    channel.requests.clear()
    channel._dataBuffer.clear()
    if not isinstance(channel, Counted):
        return transport, rest, _nobody_counts
    channel.site.channels.discard(channel)
    return transport, rest, channel.site.census.place(channel.counted)


def _part(request: http.Request) -> None:
    """It will not be answered. Whoever waits for its end knows it too: a circle that would keep its body, which another
    site has in a file where it is long."""
    if request.content is not None:
        request.content.close()
    waiting, request.notifications = request.notifications, []
    for each in waiting:
        each.callback(None)


def _nobody_counts() -> None:
    """A connection of somebody else's site is lost."""
