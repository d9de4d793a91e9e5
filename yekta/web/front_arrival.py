"""A request of a `Front`, and how its answer is written (RFC 9112, 4 to 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from yekta.web.plain import Head
from yekta.web.request import KEY, Request
from yekta.web.written import Written, write

if TYPE_CHECKING:
    from yekta.web.arrival import Surrendered
    from yekta.web.front import Front

_PHRASES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class FrontArrival:
    """A request of a `Front`; see `Arrival`."""

    __slots__ = (
        "__weakref__",
        "_began",
        "_front",
        "_head",
        "_hung_up",
        "asked",
        "body",
        "close",
        "ended",
        "key",
        "target",
    )

    def __init__(self, front: Front, bytes_of_head: bytes, head: Head, asked: Request, key: str) -> None:
        self.asked = asked
        self.key = key or asked.headers.get(KEY, "")
        self.target = head.target
        self.body = b""
        self.close = head.close
        self.ended: Callable[[bool], object] | None = None
        self._front: Front | None = front
        self._head = bytes_of_head
        self._hung_up: Callable[[], object] | None = None
        self._began = 0.0 if front.site.access is None else front.site.clock.seconds()

    def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        front, self._front = self._front, None
        if front is None:
            return
        if status >= 400:
            front.site.refusals[status] += 1
        access, asked = front.site.access, self.asked
        if access is not None:
            seconds = front.site.clock.seconds() - self._began
            access.request(asked.method, asked.path, status, len(body), seconds, asked.address)
        close = self.close or "Connection" in headers or front.site.parting
        fields = headers.lines if isinstance(headers, Written) and not close else write(tuple(headers.items()), close)
        first = _PHRASES.get(status) or f"HTTP/1.1 {status} Unknown Status\r\n"
        head = f"{first}{front.site.date()}{fields}Content-Length: {len(body)}\r\n\r\n"
        self.end()
        front.answered(head.encode("latin-1", "replace") + body, close)

    def on_hang_up(self, call: Callable[[], object]) -> None:
        if self._front is not None:
            self._hung_up = call

    def head(self) -> bytes:
        return self._head

    def surrender(self) -> Surrendered:
        front, self._front = self._front, None
        assert front is not None
        self.end()
        return front.surrender()

    def end(self, hung_up: bool = False) -> None:
        """The request is over. Whoever is to be called knows it too: a circle that would keep its body."""
        ended, self.ended, self._hung_up = self.ended, None, None
        if ended is not None:
            ended(hung_up)

    def lost(self) -> None:
        """The client hung up."""
        hung_up = self._hung_up
        self._front = None
        self.end(hung_up=True)
        if hung_up is not None:
            hung_up()
