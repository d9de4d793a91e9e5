"""The short way of HTTP: plain requests for doors of ours go there at once; all others are twisted.web's.

    bytes ─▶ is it plain, and for a door? ──yes──▶ Door.serve ─▶ answer ─▶ the next request
                        │no
                        └─▶ the connection goes to a `Channel`, from the first byte of this request, and stays there

One request is served at a time: what comes along waits, and little is read meanwhile. The price of a request is a tenth
of twisted.web's, so `Site` uses it wherever its root knows doors (`Doors`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet import protocol
from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol, IPushProducer, ISSLTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from yekta.attributes import share
from yekta.rests import LONG
from yekta.web.alike import NAME as OPENING
from yekta.web.counted import Counted
from yekta.web.forwarded import NOBODY, whereabouts
from yekta.web.front_arrival import FrontArrival
from yekta.web.long_bodies import LongBody
from yekta.web.plain import END, Head, may_be_plain
from yekta.web.request import Request, parse_target
from yekta.web.switching import switch
from yekta.web.transports import host_of, sender

if TYPE_CHECKING:
    from yekta.web.arrival import Door, Surrendered
    from yekta.web.site import Site

# What is read of the requests that come along while one is served, in bytes, before reading waits. Until then the end
# of the connection is noticed.
EAGER = 1 << 14


@implementer(IPushProducer, IHalfCloseableProtocol)
class Front(Counted, protocol.Protocol):
    """One connection, for as long as what comes is plain."""

    transport: Any
    _arrival: FrontArrival | None = None
    _door: Door | None = None
    _missing = 0
    _body: bytearray | None = None
    _turn: IDelayedCall | None = None
    _congested = _paused = _over = _producing = False
    _began: float | None = None
    _peer = ""

    def __init__(self, site: Site, address: str, since: float) -> None:
        self.site = site
        self.address = self.counted = address
        self.since = since
        self._buffer = b""

    def connectionMade(self) -> None:
        self._secure = ISSLTransport.providedBy(self.transport)
        self.site.waiting.start(self)

    # -- what comes ----------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        if self._over:
            return
        if self._body is not None:
            self._body_received(data)
        elif self._arrival is not None or self._turn is not None or self._congested:
            self._buffer += data
            if len(self._buffer) > EAGER:
                self._pause()
        else:
            self._head_received(self._buffer + data if self._buffer else data)

    def _head_received(self, data: bytes) -> None:
        """``data`` begins with a request."""
        self._asked = True
        end = data.find(END) + len(END)
        if end < len(END) and may_be_plain(data):
            self._buffer = data
            self._begin_to_wait()
            return
        arrival = self._arrive(data[:end]) if end >= len(END) else None
        if arrival is None:
            self._hand_over(data)
            return
        self._arrival = arrival
        whole = end + self._missing
        if len(data) < whole:
            self._body = bytearray()
            self._body_received(data[end:])
        else:
            arrival.body, self._buffer = data[end:whole], data[whole:]
            self._serve(arrival)

    def _arrive(self, bytes_of_head: bytes) -> FrontArrival | None:
        """The request of a head that is plain and for one of our doors."""
        if OPENING in bytes_of_head:
            head, key = self.site.alike.parse(bytes_of_head)
        else:
            head, key = self.site.repeated.parse(bytes_of_head), ""
        if head is None or head.length > self.site.limits.max_body:
            return None
        route = self.site.route
        if route is not None and route(head.target.encode()) is not None:
            # Another process is to have the connection: it is the channel that gives it away, or cannot.
            return None
        try:
            asked = self._facts(head)
        except ValueError:
            return None
        self._door = self.site.doors.door(asked) if self.site.doors is not None else None
        if self._door is None or (self.site.limits.max_per_address and not self.count_for(asked.address)):
            return None
        arrival = FrontArrival(self, bytes_of_head, head, asked, key)
        self._missing = head.length
        if head.length:
            arrival.ended = self._door.expect_body(asked)
        return arrival

    def _facts(self, head: Head) -> Request:
        path, query = parse_target(head.target)
        address, secure = self.address, self._secure
        trusted = self.site.limits.trusted
        if trusted is not NOBODY:
            if not self._peer:
                # Behind ``haproxy:`` it is not known before there are bytes.
                self._peer = host_of(self.transport)
            address, over_tls = whereabouts(address, self._peer, head.headers, trusted)
            secure |= over_tls
        return Request(head.method, path, query, head.headers, address, secure)

    def _body_received(self, data: bytes) -> None:
        body, arrival = self._body, self._arrival
        assert body is not None
        assert arrival is not None
        body += data[: self._missing]
        rest = data[self._missing :]
        self._missing -= len(data) - len(rest)
        if self._missing:
            self._begin_to_wait()
            return
        self._body, self._buffer, arrival.body = None, rest, bytes(body)
        if len(body) > LONG:
            LongBody(self.site.rests, self.transport, lambda: self._serve(arrival), lambda: self._over).arrived()
        else:
            self._serve(arrival)

    def _serve(self, arrival: FrontArrival) -> None:
        assert self._door is not None
        self._began = None
        self._door.serve(arrival)
        if self._arrival is arrival and len(self._buffer) > EAGER:
            self._pause()

    # -- what goes -----------------------------------------------------------------------------------------

    def answered(self, data: bytes, close: bool) -> None:
        """The request has its answer. Those that came along wait for a turn: hundreds fit into one chunk of data."""
        self._arrival = None
        if self.counted != self.address:
            self.count_for(self.address)
        self.site.waiting.start(self)
        if not self._producing:
            # Not before something is said: most that come here go on as a WebSocket.
            self._producing = True
            self._send = sender(self.transport)
            self.transport.registerProducer(self, True)
        self._send(data)
        if close:
            self._close()
        elif self._buffer and not self._congested:
            self._take_turn()

    def _take_turn(self) -> None:
        if self._turn is None:
            self._pause()
            self._turn = self.site.clock.callLater(0, self._go_on)

    def _go_on(self) -> None:
        self._turn = None
        data, self._buffer = self._buffer, b""
        self._head_received(data)
        if len(self._buffer) <= EAGER and self._turn is None and not self._congested:
            self._resume()

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self.transport.pauseProducing()

    def _resume(self) -> None:
        if self._paused and not self._over:
            self._paused = False
            self.transport.resumeProducing()

    def pauseProducing(self) -> None:
        """The client does not read its answers."""
        self._congested = True
        self._pause()

    def resumeProducing(self) -> None:
        self._congested = False
        if self._arrival is None and self._buffer:
            self._take_turn()
        elif len(self._buffer) <= EAGER:
            self._resume()

    def stopProducing(self) -> None:
        """The transport is going away; `connectionLost` follows."""

    # -- time ----------------------------------------------------------------------------------------------

    def _begin_to_wait(self) -> None:
        # For each request as a whole: beginning again for every byte would let a client drip for ever.
        if self._began is None:
            self._began = self.site.clock.seconds()
            self.site.waiting.start(self)

    def expire(self) -> None:
        """Called once nothing has come for long; or a request is served, which may take longer."""
        if self._arrival is None or self._body is not None:
            self._close()
            self.site.lingering.start(self)

    def cut(self) -> None:
        """Called once the client has not read what it was told for long."""
        self.transport.abortConnection()

    # -- the end -------------------------------------------------------------------------------------------

    def _close(self) -> None:
        self._over = True
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    @property
    def busy(self) -> bool:
        """Whether a request is on its way, or bound to come."""
        return self._arrival is not None or bool(self._buffer) or self.about_to_ask

    def hang_up(self) -> None:
        """Close the connection, after the answer that is on its way."""
        if not self.busy:
            self._close()

    def surrender(self) -> Surrendered:
        """Let go of the connection, which stays counted."""
        self._over = True
        self.site.channels.discard(self)
        self.site.waiting.stop(self)
        if self._producing:
            self.transport.unregisterProducer()
        if self._paused:
            self.transport.resumeProducing()
        rest, self._buffer, self._arrival = self._buffer, b"", None
        # Not a method of ours: all that this front holds would stay as long as the connection.
        return self.transport, rest, self.site.census.place(self.counted)

    def _hand_over(self, data: bytes) -> None:
        """Everything from here on is twisted.web's, in what is left of the request's time."""
        self.surrender()
        spent = 0.0 if self._began is None else self.site.clock.seconds() - self._began
        channel = self.site.channel(self.transport.getPeer(), self.address, self.since)
        switch(self.transport, channel)
        channel.take_over(data, spent)

    def readConnectionLost(self) -> None:
        """The client says no more, or has gone, which looks the same. As by Node, it is sent what it was answered."""
        arrival, self._arrival = self._arrival, None
        self._close()
        self.site.waiting.start(self)
        if arrival is not None:
            arrival.lost()

    def writeConnectionLost(self) -> None:
        """We never say that we say no more."""

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        self.leave()
        self._over = True
        self.site.waiting.stop(self)
        self.site.lingering.stop(self)
        if self._turn is not None:
            self._turn.cancel()
        if self._arrival is not None:
            self._arrival.lost()


share(
    Front,
    *("site", "address", "counted", "since", "_buffer", "connected", "transport", "_send", "_secure"),
    *("_asked", "_peer", "_door", "_missing", "_arrival", "_began", "_producing"),
)
