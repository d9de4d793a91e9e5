"""A request that has arrived, whichever way it came, and what a door may do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twisted.web import http

from yekta.web.facts import facts, head_of
from yekta.web.request import KEY, Request
from yekta.web.surrender import surrender

# A connection's transport, the bytes that came after the request, and what to call when it is lost.
Surrendered = tuple[Any, bytes, Callable[[], None]]


class Arrival(Protocol):
    """One request that waits for its answer. ``target``: its request target, undecoded.

    ``key``: of a WebSocket's opening handshake, which is not always among the headers; empty where there is none.
    """

    asked: Request
    body: bytes
    target: str
    key: str

    def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Answer, once; a ``Content-Length`` is added. A client that is gone does no harm."""

    def on_hang_up(self, call: Callable[[], object]) -> None:
        """Call where the client hangs up before the answer; what was to be called until now is not."""

    def head(self) -> bytes:
        """The request's line and fields, as bytes once more."""

    def surrender(self) -> Surrendered:
        """Take the connection from HTTP, instead of an answer."""


class Door(Protocol):
    """Who answers requests."""

    def serve(self, arrival: Arrival) -> None:
        """Answer, now or later."""

    def expect_body(self, asked: Request) -> Callable[[bool], object] | None:
        """The body of a request begins to arrive. Gives what is to be told, once the request is over, whether its
        client hung up before it was answered."""


class Doors(Protocol):
    """What a site's root knows where it can do without twisted.web."""

    def door(self, asked: Request) -> Door | None:
        """The door that a plain request is for; ``None``: twisted.web is to find out."""


class WebArrival:
    """A request of twisted.web, of any site. One that has more query fields than we know has none that we know."""

    def __init__(self, request: http.Request) -> None:
        try:
            self.asked = facts(request)
        except ValueError:
            self.asked = Request("", "", {}, {})
        self.target = request.uri.decode("latin-1")
        self.key = self.asked.headers.get(KEY, "")
        self.body: bytes = request.content.read() if request.content is not None else b""
        self._request = request
        self._hung_up: Callable[[], object] | None = None
        request.notifyFinish().addCallbacks(self._ended, self._lost)

    def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        request = self._request
        if request.finished or request._disconnected:
            return
        request.setResponseCode(status)
        for name, value in headers.items():
            # Several lines of one name: `yekta.web.written`.
            request.responseHeaders.setRawHeaders(name, [value] if isinstance(value, str) else list(value))
        request.setHeader("content-length", str(len(body)))
        if "Connection" in headers:
            # Said, and done: Twisted's goes by what the client asked for.
            request.channel.persistent = False
        request.write(body)
        request.finish()

    def on_hang_up(self, call: Callable[[], object]) -> None:
        if not self._request.finished:
            self._hung_up = call

    def _lost(self, _: object) -> None:
        hung_up, self._hung_up = self._hung_up, None
        if hung_up is not None:
            hung_up()

    def _ended(self, _: object) -> None:
        # It knows this arrival too: a circle that would keep its body.
        self._hung_up = None

    def head(self) -> bytes:
        request = self._request
        return head_of(request, request.method, request.uri, request.clientproto)

    def surrender(self) -> Surrendered:
        surrendered = surrender(self._request.channel)
        # It reads no further while much has come that nobody has asked for.
        surrendered[0].resumeProducing()
        return surrendered
