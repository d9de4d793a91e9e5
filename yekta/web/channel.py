"""One HTTP/1.1 connection of twisted.web, with bounds."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from zope.interface import implementer

from yekta.tcp import Corked
from yekta.web.bounded import BoundedRequest
from yekta.web.chunked import Chunked
from yekta.web.counted import Counted
from yekta.web.facts import address_of, head_of
from yekta.web.handover import Give
from yekta.web.plain import MAX_FIELDS
from yekta.web.surrender import surrender

# How long a client that was refused in the middle of its body may go on sending, in seconds, so that it sees why.
LINGER = 5.0


@implementer(IHalfCloseableProtocol)
class Channel(Counted, HTTPChannel):
    """One HTTP/1.1 connection of a :class:`Site`."""

    _idle = True
    _refused = False
    _lines = 0
    _turn: IDelayedCall | None = None

    def dataReceived(self, data: bytes) -> None:
        # The time-out runs for each request as a whole: resetting it for every byte would let a client drip for ever.
        if self._idle:
            self._idle = False
            self._asked = True
            super().resetTimeout()
        # TLS goes on with what had come, after we have closed.
        if not self._refused and not self.transport.disconnecting:
            super().dataReceived(data)

    def resetTimeout(self) -> None:
        """Called by Twisted for every chunk; see `dataReceived`."""

    def take_over(self, data: bytes, spent: float) -> None:
        """Begin with a request that began to arrive ``spent`` seconds ago."""
        self.setTimeout(max(self.site.limits.request_timeout - spent, 0.0))
        self.dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """A line of a head. One that goes on in the next is several: putting them together takes its time too."""
        self._lines = self._lines + 1 if line else 0
        if self._lines > 1 + MAX_FIELDS:
            self.refuse(self.requests[-1], 431, "Request Header Fields Too Large")
        else:
            super().lineReceived(line)

    def headerReceived(self, line: bytes) -> bool:
        try:
            received: bool = super().headerReceived(line)
        except ValueError:
            # Twisted's int() of a Content-Length that has thousands of digits.
            self._respondToBadRequestAndDisconnect()
            return False
        return received

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Called by Twisted for what is no request; also for what comes after a refusal, which is the only answer."""
        if not self._refused:
            self.site.refusals[400] += 1
            super()._respondToBadRequestAndDisconnect()

    def requestDone(self, request: BoundedRequest) -> None:
        """Requests that came along wait for the reactor's next turn: hundreds fit into one chunk of data."""
        self._idle = True
        self.paused = True
        self.count_for(self.address)
        # Twisted's remembers how long this one had, which was less where it began on the short path.
        self._savedTimeOut = self.site.limits.request_timeout
        super().requestDone(request)
        if self._waitingForTransport:
            # Twisted's reads on after each request.
            self._networkProducer.pauseProducing()
        else:
            self._take_turn()

    def rawDataReceived(self, data: bytes) -> None:
        """As Twisted's, which knows no bound for what comes along while the client does not read."""
        self.site.rests.begin()
        if self._dataBuffer:
            # Twisted counts each piece again whenever one comes: 16 KiB byte by byte would take ten seconds.
            data = b"".join([*self._dataBuffer, data])
            self._dataBuffer.clear()
        super().rawDataReceived(data)
        if self._is_crowded:
            self._networkProducer.pauseProducing()

    def _finishRequestBody(self, data: bytes) -> None:
        decoder = self._transferDecoder
        super()._finishRequestBody(data + decoder.take_rest() if isinstance(decoder, Chunked) else data)

    def _is_due(self) -> bool:
        """Whether the rest of a body in chunks waits for another turn."""
        rests = self.site.rests
        if self not in rests:
            if not rests.due:
                return False
            rests.add(self)
            self._networkProducer.pauseProducing()
        return True

    def go_on(self) -> None:
        """All others have had their turn."""
        if self._transferDecoder is not None and not self._refused:
            self.rawDataReceived(b"")
        self._read_on()

    @property
    def _is_crowded(self) -> bool:
        """Whether more has come along with a request than is to wait for its answer; 16 KiB, as in Twisted."""
        return sum(map(len, self._dataBuffer)) > self._optimisticEagerReadSize

    def pauseProducing(self) -> None:
        """The client does not read: an answer may take its time, but not because of that."""
        if self._handlingRequest and not self._waitingForTransport:
            self.setTimeout(self.site.limits.request_timeout)
        super().pauseProducing()

    def resumeProducing(self) -> None:
        if self._handlingRequest:
            self.setTimeout(None)
        super().resumeProducing()
        if self.paused:
            self._take_turn()
        elif self in self.site.rests:
            self._networkProducer.pauseProducing()
        else:
            # Twisted's does so where no request is served: one may have had its turn meanwhile.
            self._read_on()

    def _take_turn(self) -> None:
        if not self._buffer:
            self.paused = False
            return
        # What has come already would pile up.
        self._networkProducer.pauseProducing()
        if self._turn is None:
            self._turn = self.callLater(0, self._go_on)

    def _go_on(self) -> None:
        self._turn = None
        self.paused = False
        self.dataReceived(b"")
        self._read_on()

    def _read_on(self) -> None:
        """Read, unless there is a reason not to, or somebody else has the connection."""
        waits = self.paused or self._waitingForTransport or self._is_crowded or self in self.site.rests
        if not waits and self in self.site.channels:
            self._networkProducer.resumeProducing()

    def allHeadersReceived(self) -> None:
        route, request = self.site.route, self.requests[-1]
        give = None if route is None else route(self._path)
        if give is not None and self._give(give):
            return
        if self.length is None:
            self._transferDecoder = Chunked(request.handleContentChunk, self._finishRequestBody, self._is_due)
        super().allHeadersReceived()
        if self.site.limits.max_per_address and not self._refused and not self.count_for(address_of(request)):
            self._turn_away(request, 429, "Too Many Requests")
        if self.length != 0 and not self._refused:
            self.site.body_began(self._path, request)

    def _give(self, give: Give) -> bool:
        """Let another process have the connection, if it takes it and nothing of ours is on its way to the client."""
        transport, request = self.transport, self.requests[-1]
        plain = isinstance(transport, FileDescriptor) and not getattr(transport, "TLS", False)
        if isinstance(transport, Corked):
            # An answer to the request before, in this turn.
            transport.uncork()
        if not plain or transport.dataBuffer or transport._tempDataBuffer:
            return False
        if not give(transport.fileno(), head_of(request, self._command, self._path, self._version) + self._buffer):
            return False
        surrender(self)
        # Nothing more of it comes this way.
        self._refused = True
        # The other process has the same connection: ours is closed without a word to the client; and the kernel must be
        # told that we wait for nothing there, as our closing tells it only where nobody else has the connection.
        transport._shouldShutdown = False
        transport.stopReading()
        transport.loseConnection()
        return True

    def refuse_body(self, request: BoundedRequest) -> None:
        """Answer 413 while the body is still arriving."""
        self._turn_away(request, 413, "Content Too Large")

    def _turn_away(self, request: BoundedRequest, status: int, phrase: str) -> None:
        """Refuse a request in the words of those whom it is for: a page of theirs may read them."""
        origin, host = request.getHeader("origin"), request.getHeader("host")
        self.refuse(request, status, phrase, *self.site.refused(status, self._path, origin, host))

    def refuse(
        self, request: BoundedRequest, status: int, phrase: str, headers: Mapping[str, str] = {}, body: bytes = b""
    ) -> None:
        """Answer before the request has arrived, and let the client finish its sentence for a moment."""
        self._refused = True
        # What came along would be read as more of its head; and Twisted has not told it what it is.
        self.clearLineBuffer()
        request.method, request.path = self._command, self._path
        request.code, request.sentLength = status, len(body)
        self.site.log(request)
        lines = [f"HTTP/1.1 {status} {phrase}", "Connection: close", f"Content-Length: {len(body)}"]
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

    def loseConnection(self) -> None:
        """As Twisted's, which waits for ever for a client that does not read the rest."""
        if self._abortingCall is None:
            self.setTimeout(self.site.limits.request_timeout)
        super().loseConnection()

    @property
    def busy(self) -> bool:
        """Whether a request is on its way, or bound to come."""
        return bool(self.requests) or self.about_to_ask

    def readConnectionLost(self) -> None:
        """As `Front.readConnectionLost`. An answer that has begun, and whose length was told, is sent whole."""
        if self.requests and self.requests[0].is_promised:
            self.persistent = False
            return
        self.stopProducing()
        requests, self.requests = self.requests, []
        for request in requests:
            request.connectionLost(Failure(ConnectionDone()))
        self.loseConnection()

    def writeConnectionLost(self) -> None:
        """A request was refused before it has arrived."""

    def connectionLost(self, reason: Failure) -> None:
        self.leave()
        if self._turn is not None:
            self._turn.cancel()
        super().connectionLost(reason)
        # Of a body that did not arrive whole; it knows this channel.
        self._transferDecoder = None
