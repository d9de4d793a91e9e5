"""twisted.web with bounds: how large a request may be, how long it may take to arrive, how many may be connected.

Twisted Web limits a request's head (16 KiB, 500 headers) but neither its body nor the time of either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from twisted.web import http, server
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource

from yekta.web.census import Census
from yekta.web.forwarded import NOBODY, Trusted, client_address, is_secure
from yekta.web.request import Request as Facts
from yekta.web.request import parse_target

# How long a client that was refused in the middle of its body may go on sending, in seconds, so that it sees why.
LINGER = 5.0


@attrs.frozen
class Limits:
    """``max_body``: bytes of one request's body. ``request_timeout``: seconds for one whole request to arrive.

    ``max_connections``: TCP connections in all; ``max_per_address``: those of one client address, 0 is no limit.
    Loopback is excepted: a reverse proxy there speaks for many clients. ``trusted``: the proxies whose word is taken
    for where their clients are, and whose clients are counted in their place.
    """

    max_body: int = 1_000_000
    request_timeout: float = 60.0
    max_connections: int = 100_000
    max_per_address: int = 0
    trusted: Trusted = NOBODY


class Request(server.Request):
    """A request whose body is counted while it arrives."""

    channel: Channel
    _received = 0

    def getHeader(self, key: Any) -> Any:
        """As Twisted's, but text is Latin-1, which every header is: Twisted's fails where one is not UTF-8."""
        if isinstance(key, bytes):
            return super().getHeader(key)
        value = super().getHeader(key.encode())
        return None if value is None else value.decode("latin-1")

    def getRequestHostname(self) -> bytes:
        """Nothing of ours depends on what a client calls us; Klein would fail where that is no name."""
        return b"localhost"

    def gotLength(self, length: int | None) -> None:
        if length is not None and length > self.channel.site.limits.max_body:
            self.channel.refuse_body(self)
            length = 0
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        if self._disconnected:
            return
        self._received += len(data)
        if self._received > self.channel.site.limits.max_body:
            self.channel.refuse_body(self)
        else:
            super().handleContentChunk(data)


class Channel(HTTPChannel):
    """One HTTP/1.1 connection of a :class:`Site`."""

    site: Site
    address: str
    counted: str
    _idle = True
    _refused = False
    _turn: IDelayedCall | None = None

    def dataReceived(self, data: bytes) -> None:
        # The time-out runs for each request as a whole: resetting it for every byte would let a client drip for ever.
        if self._idle:
            self._idle = False
            super().resetTimeout()
        if not self._refused:
            super().dataReceived(data)

    def resetTimeout(self) -> None:
        """Called by Twisted for every chunk; see `dataReceived`."""

    def headerReceived(self, line: bytes) -> bool:
        try:
            received: bool = super().headerReceived(line)
        except ValueError:
            # Twisted's int() of a Content-Length that has thousands of digits.
            self._respondToBadRequestAndDisconnect()
            return False
        return received

    def requestDone(self, request: Request) -> None:
        """Requests that came along wait for the reactor's next turn: hundreds fit into one chunk of data."""
        self._idle = True
        self.paused = True
        if self.counted != self.address:
            self._count(self.address, limited=False)
        super().requestDone(request)
        if self._waitingForTransport or self._buffer:
            # Twisted's reads on after each request; what has come already would pile up.
            self._networkProducer.pauseProducing()
        if not self._waitingForTransport:
            self._take_turn()

    def resumeProducing(self) -> None:
        super().resumeProducing()
        if self.paused:
            self._take_turn()

    def _take_turn(self) -> None:
        if not self._buffer:
            self.paused = False
        elif self._turn is None:
            self._turn = self.callLater(0, self._go_on)

    def _go_on(self) -> None:
        self._turn = None
        self.paused = False
        self.dataReceived(b"")
        if not self.paused and not self._waitingForTransport:
            self._networkProducer.resumeProducing()

    def allHeadersReceived(self) -> None:
        super().allHeadersReceived()
        if not self._refused and self._speaks_for_many() and not self._count(_address(self.requests[-1])):
            self._refuse(self.requests[-1], "429 Too Many Requests", {}, b"")
        if self.length != 0 and not self._refused:
            self.site.body_began(self._path, self.requests[-1])

    def _speaks_for_many(self) -> bool:
        """Whether each request has a client of its own, who has the connection until the answer ends."""
        limits = self.site.limits
        return limits.max_per_address > 0 and self.address in limits.trusted

    def _count(self, address: str, *, limited: bool = True) -> bool:
        if not self.site.census.move(self.counted, address, limited=limited):
            return False
        self.counted = address
        return True

    def refuse_body(self, request: Request) -> None:
        """Answer 413 while the body is still arriving."""
        if not self._refused:
            headers, body = self.site.too_large(self._path, request.getHeader("origin"))
            self._refuse(request, "413 Content Too Large", headers, body)

    def _refuse(self, request: Request, status: str, headers: Mapping[str, str], body: bytes) -> None:
        """Answer before the request has arrived, and let the client finish its sentence for a moment."""
        self._refused = True
        lines = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        self.setTimeout(LINGER)
        self.transport.loseWriteConnection()
        self.requests.remove(request)
        request.connectionLost(Failure(ConnectionDone()))

    def _send100Continue(self) -> None:
        # A client that asks first has its answer already.
        if not self._refused:
            super()._send100Continue()

    def allContentReceived(self) -> None:
        if not self._refused:
            super().allContentReceived()

    def leave(self) -> None:
        """The connection is gone, whoever had it last."""
        self.site.census.leave(self.counted)

    def connectionLost(self, reason: Failure) -> None:
        self.leave()
        if self._turn is not None:
            self._turn.cancel()
        super().connectionLost(reason)


def surrender(channel: HTTPChannel) -> tuple[Any, bytes, Callable[[], None]]:
    """Take a connection from HTTP, for another protocol: its transport, the bytes that came after the request, and
    what to call when it is lost. Any site's will do; one of ours goes on counting it."""
    transport, rest = channel.transport, b"".join(channel._dataBuffer) + channel.clearLineBuffer()
    channel.setTimeout(None)
    transport.unregisterProducer()
    channel.requests.clear()
    channel._dataBuffer.clear()
    return transport, rest, channel.leave if isinstance(channel, Channel) else _nobody_counts


def _nobody_counts() -> None:
    """A connection of somebody else's site is lost."""


TooLarge = Callable[[bytes, "str | None"], "tuple[Mapping[str, str], bytes]"]


def _say_nothing(path: bytes, origin: str | None) -> tuple[Mapping[str, str], bytes]:
    return {}, b""


BodyBegan = Callable[[bytes, http.Request], None]


def _ignore(target: bytes, request: http.Request) -> None:
    """Nobody wants to know."""


class Site(server.Site):
    """A site of bounded requests. ``too_large(path, origin)`` gives the headers and body of a 413.

    ``body_began(target, request)`` is told when the body of a request begins to arrive.
    """

    def __init__(
        self,
        clock: IReactorTime,
        root: IResource,
        limits: Limits,
        too_large: TooLarge = _say_nothing,
        body_began: BodyBegan = _ignore,
    ) -> None:
        super().__init__(
            root,
            requestFactory=Request,
            timeout=limits.request_timeout,
            reactor=clock,
            parsePOSTFormSubmission=False,
        )
        self.limits = limits
        self.too_large = too_large
        self.body_began = body_began
        self.census = Census(limits.max_connections, limits.max_per_address)

    def protocol(self) -> Channel:
        return Channel()

    def buildProtocol(self, addr: IAddress) -> Channel | None:
        address = getattr(addr, "host", "")
        if not self.census.enter(address, limited=address not in self.limits.trusted):
            return None
        channel: Channel = super().buildProtocol(addr)
        channel.address = channel.counted = address
        return channel

    def startFactory(self) -> None:
        """Twisted's would write an access log with whole URLs, tokens included."""

    def stopFactory(self) -> None:
        """Nothing was started."""

    def log(self, request: Request) -> None:
        """See `startFactory`."""


def facts(request: http.Request) -> Facts:
    """What our doors need to know of a twisted.web request. More query fields than we know: `ValueError`."""
    path, query = parse_target(request.uri.decode("latin-1"))
    headers = {
        name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    address, secure = _whereabouts(request, headers)
    return Facts(request.method.decode("latin-1"), path, query, headers, address, secure)


def _address(request: http.Request) -> str:
    """A client's address."""
    stated = request.requestHeaders.getRawHeaders("x-forwarded-for", [])
    return _whereabouts(request, {"x-forwarded-for": ",".join(stated)})[0]


def _whereabouts(request: http.Request, headers: Mapping[str, str]) -> tuple[str, bool]:
    """A client's address, and whether it came over TLS. The PROXY protocol's word counts as a header's does."""
    stated = getattr(request.getClientAddress(), "host", "")
    channel = getattr(request, "channel", None)
    if not isinstance(channel, Channel):
        return stated, request.isSecure()
    sender, trusted = channel.address, channel.site.limits.trusted
    address = client_address(stated if sender in trusted else sender, headers, trusted)
    return address, request.isSecure() or is_secure(sender, headers, trusted)
