"""Makes WebSocket connections with the same limits, with what they have in common: timers, and how many are open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from yekta.attributes import share
from yekta.rests import Rests
from yekta.timeouts import Timeouts
from yekta.turns import NextTurn
from yekta.web.written import tidy
from yekta.websocket.deflate import MEM_LEVEL, WINDOW_BITS
from yekta.websocket.interfaces import IReceiver
from yekta.websocket.lean import with_options
from yekta.websocket.limits import Limits
from yekta.websocket.protocol import ATTRIBUTES, WebSocket

# Why an opening handshake came to nothing: it was none.
HANDSHAKE = "handshake"


class WebSocketFactory(WebSocketServerFactory):
    """See the module. ``count``: how many are open. ``refusals``: how many opening handshakes came to nothing, by why.

    Those that do not keep to RFC 6455, 4.2.1 are counted here, as `HANDSHAKE`; whoever refuses others says so in a
    word of its own. ``rests``: shared with others that are served in the same turns.
    """

    # Where it is turned off, every opening handshake is Autobahn's.
    short_opening = True

    def __init__(self, clock: IReactorTime, limits: Limits, rests: Rests | None = None) -> None:
        super().__init__(reactor=clock, server="")
        self.limits = limits
        self.count = 0
        self.refusals: Counter[str] = Counter()
        self._waiting: list[Deferred[None]] = []
        # Each connection waits for the client's close frame, for anything at all, or for an answer to our ping.
        self.closing: Timeouts[WebSocket] = Timeouts(clock, limits.close_timeout, WebSocket.abort)
        self.listening: Timeouts[WebSocket] = Timeouts(clock, limits.ping_interval, WebSocket.keep_alive)
        self.answering: Timeouts[WebSocket] = Timeouts(clock, limits.ping_timeout, WebSocket.keep_alive)
        self.rests = rests or Rests(clock)
        # The time-outs of Autobahn are off: each would be a timer per connection on the global reactor.
        self.setProtocolOptions(
            maxMessagePayloadSize=limits.max_message,
            failByDrop=False,
            # A close frame is answered with its own code and reason (RFC 6455, 5.5.1).
            echoCloseCodeReason=True,
            # Whom we let in is decided before (`yekta.web.origins`).
            allowNullOrigin=True,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            perMessageCompressionAccept=self._accept_compression,
        )
        self.protocol = with_options(WebSocket, self)
        share(self.protocol, *ATTRIBUTES)
        # To be called with a connection: flushes it in the next turn, with all that it sends until then.
        self.flush_soon = NextTurn(clock, WebSocket.flush).add

    def build(self, receiver: IReceiver, headers: Mapping[str, str] = {}) -> Any:
        """A connection that tells ``receiver``; ``headers`` are added to Autobahn's 101."""
        websocket = self.protocol()
        websocket.receiver = receiver
        if headers:
            websocket.response_headers = tidy(headers.items())
        return websocket

    def refused(self) -> None:
        """An opening handshake was not one."""
        self.refusals[HANDSHAKE] += 1

    def opened(self, websocket: WebSocket) -> None:
        self.count += 1
        if self.limits.ping_interval:
            self.listening.start(websocket)

    def lost(self, websocket: WebSocket) -> None:
        self.count -= websocket.was_open
        self.closing.stop(websocket)
        if self.limits.ping_interval:
            self.listening.stop(websocket)
            self.answering.stop(websocket)
        if not self.count:
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                each.callback(None)

    def all_closed(self) -> Deferred[None]:
        """Fires once no connection is open."""
        if not self.count:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def _accept_compression(self, offers: list[object]) -> object:
        if self.limits.deflate_threshold is None:
            return None
        for offer in offers:
            if isinstance(offer, PerMessageDeflateOffer):
                window = min(WINDOW_BITS, offer.request_max_window_bits or WINDOW_BITS)
                return PerMessageDeflateOfferAccept(
                    offer, request_no_context_takeover=True, window_bits=window, mem_level=MEM_LEVEL
                )
        return None
