"""twisted.web with bounds: how large a request may be, how long it may take to arrive, how many may be connected.

Twisted Web limits a request's head (16 KiB, 500 headers) but neither its body nor the time of either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from twisted.web import http, server
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource

from yekta.timeouts import Timeouts
from yekta.web.access import AccessLog
from yekta.web.census import Census
from yekta.web.forwarded import NOBODY, Trusted, whereabouts
from yekta.web.front import Doors, Front
from yekta.web.handover import Give
from yekta.web.request import Request as Facts
from yekta.web.request import parse_target

# How long a client that was refused in the middle of its body may go on sending, in seconds, so that it sees why.
LINGER = 5.0

# How long a client that does not read may keep a connection that is over, in seconds; as Twisted's.
ABORT = 15.0

# Who has just connected is about to ask: for so many seconds it is not hung up on.
YOUNG = 1.0



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
    _began = 0.0

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
        self._began = self.channel.site.reactor.seconds()
        if length is not None and length > self.channel.site.limits.max_body:
            self.channel.refuse_body(self)
            length = 0
        super().gotLength(length)

    def write(self, data: bytes) -> None:
        """The first byte takes the headers along."""
        if not self.startedWriting and self.channel is not None and self.channel.site.parting:
            self.setHeader(b"connection", b"close")
            self.channel.persistent = False
        super().write(data)

    def seconds(self) -> float:
        """Since the head was complete."""
        return float(self.channel.site.reactor.seconds() - self._began)

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
    since: float
    _asked = False
    _idle = True
    _refused = False
    _turn: IDelayedCall | None = None

    def dataReceived(self, data: bytes) -> None:
        # The time-out runs for each request as a whole: resetting it for every byte would let a client drip for ever.
        if self._idle:
            self._idle = False
            self._asked = True
            super().resetTimeout()
        if not self._refused:
            super().dataReceived(data)

    def resetTimeout(self) -> None:
        """Called by Twisted for every chunk; see `dataReceived`."""

    def take_over(self, data: bytes, spent: float) -> None:
        """Begin with a request that began to arrive ``spent`` seconds ago."""
        self._asked = True
        if spent:
            self._idle = False
            self.setTimeout(max(self.site.limits.request_timeout - spent, 0.0))
        self.dataReceived(data)

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
        whither, request = self.site.whither, self.requests[-1]
        give = None if whither is None else whither(self._path)
        if give is not None and self._give(give):
            return
        super().allHeadersReceived()
        if not self._refused and self.site.speaks_for_many(self.address) and not self._count(_address(request)):
            self._refuse(request, "429 Too Many Requests", {}, b"")
        if self.length != 0 and not self._refused:
            self.site.body_began(self._path, request)

    def _give(self, give: Give) -> bool:
        """Let another process have the connection, if it takes it and nothing of ours is on its way to the client."""
        transport, request = self.transport, self.requests[-1]
        plain = isinstance(transport, FileDescriptor) and not getattr(transport, "TLS", False)
        if not plain or len(self.requests) > 1 or transport.dataBuffer or transport._tempDataBuffer:
            return False
        if not give(transport.fileno(), head_of(request, self._command, self._path) + self._buffer):
            return False
        surrender(self)
        # There is a body for all that our parser knows; nothing of it comes this way.
        self.length, self._refused = 1, True
        # The other process has the same connection: ours is closed without a word to the client.
        transport._shouldShutdown = False
        transport.loseConnection()
        return True

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

    def hang_up(self) -> None:
        """Close the connection, after the answer that is on its way."""
        if not self.busy:
            self.loseConnection()

    @property
    def busy(self) -> bool:
        """Whether a request is on its way, or bound to come."""
        return bool(self.requests) or (not self._asked and self.site.is_young(self.since))

    def leave(self) -> None:
        """The connection is gone, whoever had it last."""
        self.site.census.leave(self.counted)

    def connectionLost(self, reason: Failure) -> None:
        self.leave()
        self.site.channels.discard(self)
        if self._turn is not None:
            self._turn.cancel()
        super().connectionLost(reason)


def head_of(request: http.Request, method: bytes, target: bytes) -> bytes:
    """The head of a request, as it may have come."""
    lines = [b"%s %s HTTP/1.1" % (method, target)]
    lines += [
        b"%s: %s" % (name, value)
        for name, values in request.requestHeaders.getAllRawHeaders()
        for value in values
    ]
    return b"\r\n".join([*lines, b"", b""])


def surrender(channel: HTTPChannel) -> tuple[Any, bytes, Callable[[], None]]:
    """Take a connection from HTTP, for another protocol: its transport, the bytes that came after the request, and
    what to call when it is lost. Any site's will do; one of ours goes on counting it."""
    transport, rest = channel.transport, b"".join(channel._dataBuffer) + channel.clearLineBuffer()
    channel.setTimeout(None)
    transport.unregisterProducer()
    channel.requests.clear()
    channel._dataBuffer.clear()
    if not isinstance(channel, Channel):
        return transport, rest, _nobody_counts
    channel.site.channels.discard(channel)
    return transport, rest, channel.leave


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

    ``body_began(target, request)`` is told when the body of a request begins to arrive, ``access`` of each answer.
    ``doors``: who serves plain requests without twisted.web (`front`); ``None`` is nobody. ``channels``: the
    connections that speak HTTP. ``whither(target)``, where it is set, is to whom a request belongs, ``None`` where it
    is to us. While ``parting``, each answer is the last one on its connection.
    """

    def __init__(
        self,
        clock: IReactorTime,
        root: IResource,
        limits: Limits,
        too_large: TooLarge = _say_nothing,
        body_began: BodyBegan = _ignore,
        doors: Doors | None = None,
        access: AccessLog | None = None,
    ) -> None:
        super().__init__(
            root,
            requestFactory=Request,
            timeout=limits.request_timeout,
            reactor=clock,
            parsePOSTFormSubmission=False,
        )
        self.clock = clock
        self.limits = limits
        self.too_large = too_large
        self.body_began = body_began
        self.access = access
        self.census = Census(limits.max_connections, limits.max_per_address)
        self.doors = doors
        self.waiting: Timeouts[Front] = Timeouts(clock, limits.request_timeout, Front.expire)
        self.lingering: Timeouts[Front] = Timeouts(clock, ABORT, Front.cut)
        self._date = (-1, "")
        self.channels: set[Channel | Front] = set()
        self.whither: Callable[[bytes], Give | None] | None = None
        self.parting = False

    @property
    def answering(self) -> bool:
        """Whether any request is on its way, or bound to come."""
        return any(channel.busy for channel in self.channels)

    def hang_up(self) -> None:
        """Close every connection, each after the answer that is on its way."""
        self.parting = True
        for channel in tuple(self.channels):
            channel.hang_up()

    def protocol(self) -> Channel:
        return Channel()

    def buildProtocol(self, addr: IAddress) -> Channel | Front | None:
        address = getattr(addr, "host", "")
        if not self.census.enter(address, limited=address not in self.limits.trusted):
            return None
        since = self.clock.seconds()
        if self.doors is None or self.speaks_for_many(address):
            return self.channel(addr, address, since)
        front = Front(self, address, since)
        self.channels.add(front)
        return front

    def channel(self, addr: IAddress, address: str, since: float) -> Channel:
        """The protocol of a connection that is counted already, as one of ``address``."""
        channel: Channel = super().buildProtocol(addr)
        channel.address = channel.counted = address
        channel.since = since
        self.channels.add(channel)
        return channel

    def speaks_for_many(self, address: str) -> bool:
        """Whether each request from there has a client of its own, who has the connection until the answer ends."""
        return self.limits.max_per_address > 0 and address in self.limits.trusted

    def is_young(self, since: float) -> bool:
        """Whether a connection of that time is too new to be hung up on."""
        return self.clock.seconds() - since < YOUNG

    def date(self) -> str:
        """The header of that name (RFC 9110, 6.6.1)."""
        now = int(self.clock.seconds())
        if self._date[0] != now:
            self._date = now, f"Date: {http.datetimeToString(now).decode()}\r\n"
        return self._date[1]

    def startFactory(self) -> None:
        """Twisted's would write an access log with whole URLs, tokens included."""

    def stopFactory(self) -> None:
        """Nothing was started."""

    def log(self, request: Request) -> None:
        """A request was answered; called by Twisted."""
        if self.access is not None:
            self.access.request(
                request.method.decode("latin-1"),
                request.path.decode("latin-1"),
                request.code,
                request.sentLength,
                request.seconds(),
                _address(request),
            )


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
    address, over_tls = whereabouts(channel.address, stated, headers, channel.site.limits.trusted)
    return address, over_tls or request.isSecure()
