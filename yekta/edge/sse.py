"""Server-sent events on a twisted.web request (WHATWG HTML, "Server-sent events")."""

from __future__ import annotations

from typing import Any

from twisted.web import http

from yekta import jsontext


class EventStream:
    """One response that stays open. The contract's event names, without ``ai:response:``, are the stream's."""

    def __init__(self, request: http.Request) -> None:
        self._request = request
        request.setHeader("content-type", "text/event-stream; charset=utf-8")
        request.setHeader("cache-control", "no-store")
        request.setHeader("x-accel-buffering", "no")

    def send(self, event: str, data: Any) -> None:
        """Send one event."""
        name = event.rpartition(":")[2]
        self._request.write(f"event: {name}\ndata: {jsontext.encode(data)}\n\n".encode())
