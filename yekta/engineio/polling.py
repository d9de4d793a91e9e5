"""HTTP long polling (Engine.IO protocol 4, "HTTP long-polling"): a GET waits for packets, a POST brings them.

Knows no HTTP server: it is given an :class:`~yekta.engineio.interfaces.Exchange` for each request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from yekta.engineio import eio3
from yekta.engineio.connection import PARSE_ERROR, TRANSPORT_ERROR, Connection, State
from yekta.engineio.errors import ProtocolError, bad_request
from yekta.engineio.interfaces import Exchange, Express, Prepared
from yekta.engineio.packet import CLOSE, MESSAGE, NOOP, Packet, encode_payload, split_payload
from yekta.rests import LONG, TURN
from yekta.web.request import Request

# The content type of the answer to a POST, as Node's.
OK = "text/html"

# So much of what may wait is enough for the rest of a POST to wait, too.
ENOUGH = 3 / 4
# For so many seconds where it is not known whether a poll will come before the POST is answered.
TRIAL = 1.0


class _Rest:
    """What is left of a POST."""

    def __init__(self, go_on: Callable[[], None]) -> None:
        self.go_on = go_on


def _refuse(connection: Connection, exchange: Exchange, error: ProtocolError) -> None:
    """Answer a POST whose time to raise is over."""
    connection.fail(PARSE_ERROR, str(error))
    exchange.respond(400, "text/plain", b"")


class Polling:
    """The transport of one connection; at most one GET waits, and one POST is handled, at a time.

    ``binary``: whether a client of protocol 3 takes bytes as they are. ``left()`` is called once it is used no longer.
    """

    name = "polling"
    immediate = False
    express: Express | None = None
    connection: Connection
    # Whether its client polls while a POST of its is not answered, as browsers do; `None` is not known.
    _polls_beside: bool | None = None
    # What is left of a POST, until the next poll.
    _held: _Rest | None = None

    def __init__(self, *, binary: bool = False, left: Callable[[], object] | None = None) -> None:
        self._poll: Exchange | None = None
        self._posting = False
        self._binary = binary
        self._left = left
        self._posts = 0
        # Whether a POST is on its way, and has not been handled.
        self._arriving = False

    @property
    def writable(self) -> bool:
        return self._poll is not None

    flowing = writable

    def waits(self, exchange: Exchange) -> bool:
        """Whether ``exchange`` is the poll that waits."""
        return exchange is self._poll

    def request_received(self, request: Request, exchange: Exchange) -> None:
        """A request of this connection's client. Raises `Refusal`."""
        if request.method == "GET":
            self._get(exchange)
        elif request.method == "POST":
            self._post(request, exchange)
        else:
            # Node's answer; clients of the protocol never ask so.
            exchange.respond(500, "text/plain", b"")

    def post_began(self) -> None:
        """A POST begins to arrive. Its client must not send two at once: their order would be anybody's guess."""
        self._posts += 1
        self._arriving = True
        if self._posts > 1:
            self.connection.fail(TRANSPORT_ERROR, "overlapping posts")

    def post_ended(self, hung_up: bool) -> None:
        """A POST was answered, or its client hung up before. What was in it is lost then: what follows must not come as
        if nothing were missing, and socket.io-client gives its connection up by itself."""
        self._posts -= 1
        if hung_up and self._arriving:
            self.connection.fail(TRANSPORT_ERROR, "data request connection closed prematurely")
        elif hung_up and self._held is not None:
            self.held_in_vain()
        self._arriving = False

    def exchange_lost(self, exchange: Exchange) -> None:
        """The client hung up before the answer."""
        if exchange is self._poll:
            self._poll = None
            self.connection.transport_lost(self, TRANSPORT_ERROR, "poll connection closed prematurely")

    def _get(self, exchange: Exchange) -> None:
        if self._poll is not None:
            exchange.respond(400, "text/plain", b"")
            self.connection.fail(TRANSPORT_ERROR, "overlap from client")
            return
        self._poll = exchange
        self.connection.flush()
        if self._held is not None:
            self._polls_beside = True
            self.let_go()

    def _post(self, request: Request, exchange: Exchange) -> None:
        self._arriving = False
        if self._posting:
            exchange.respond(400, "text/plain", b"")
            self.connection.fail(TRANSPORT_ERROR, "overlap from client")
            return
        self._posting = True
        if self._poll is not None:
            self._polls_beside = True
        connection, body = self.connection, exchange.body
        exchange.body = b""
        content_type = request.headers.get("content-type", "")
        try:
            if len(body) > LONG:
                self._take_long(connection, content_type, body, exchange)
            else:
                self._handle(connection, self._split(connection, content_type, body), exchange)
        except ProtocolError as error:
            connection.fail(PARSE_ERROR, str(error))
            raise bad_request("MALFORMED_PAYLOAD") from None

    def _take_long(self, connection: Connection, content_type: str, body: bytes, exchange: Exchange) -> None:
        """Begin to handle a payload, but not where another has just taken more than a turn. Raises
        :class:`ProtocolError`."""
        rests = connection.engine.rests

        def take() -> None:
            rests.begin()
            self._handle(connection, self._split(connection, content_type, body), exchange)
            rests.end()

        def take_later() -> None:
            try:
                take()
            except ProtocolError as error:
                _refuse(connection, exchange, error)

        if rests.crowded:
            rests.add(_Rest(take_later))
        else:
            take()

    def _handle(
        self, connection: Connection, packets: Iterator[Packet], exchange: Exchange, first: Packet | None = None
    ) -> None:
        """Handle packets, one after the other, until others must have their turn; ``first`` comes before them.

        Raises :class:`ProtocolError`.
        """
        connection.corked = True
        try:
            over = self._receive(connection, packets, exchange, () if first is None else (first,))
        finally:
            connection.corked = False
        if over:
            self._posting = False
            exchange.respond(200, OK, b"ok")
        connection.uncork()

    def _receive(
        self, connection: Connection, packets: Iterator[Packet], exchange: Exchange, first: tuple[Packet, ...]
    ) -> bool:
        """False: the time is over, and the rest has its turn later. Half a million packets fit into one payload.

        Or its client has much to fetch first: it may ask faster than it can poll, and all that it asks for would wait.
        """
        clock = connection.engine.clock
        end = clock.seconds() + TURN
        most = connection.engine.settings.max_queued
        enough = most * ENOUGH
        for packet in chain(first, packets):
            if connection.queued > enough and self._must_wait(connection, packet):
                self._hold(connection, packets, exchange, packet)
                return False
            before = connection.queued
            connection.packet_received(packet)
            answer = connection.queued - before
            if answer > most - enough:
                # The next one may be as long.
                enough = max(0, most - answer)
            if clock.seconds() > end:
                connection.engine.rests.add(_Rest(lambda: self._go_on(connection, packets, exchange)))
                return False
        return True

    def _go_on(
        self, connection: Connection, packets: Iterator[Packet], exchange: Exchange, first: Packet | None = None
    ) -> None:
        try:
            self._handle(connection, packets, exchange, first)
        except ProtocolError as error:
            _refuse(connection, exchange, error)

    def _must_wait(self, connection: Connection, packet: Packet) -> bool:
        """Whether a poll has to come first, as much waits for it. Nobody polls before an upgrade, nor after an end."""
        return (
            self._polls_beside is not False
            and self._poll is None
            and (isinstance(packet, bytes) or packet[:1] == MESSAGE)
            and connection.probe is None
            and connection.state is State.OPEN
        )

    def _hold(self, connection: Connection, packets: Iterator[Packet], exchange: Exchange, first: Packet) -> None:
        self._held = _Rest(lambda: self._go_on(connection, packets, exchange, first))
        engine = connection.engine
        (engine.holding if self._polls_beside else engine.trying).start(self)

    def let_go(self) -> None:
        """Handle what is left of a POST that is held, if one is."""
        held, self._held = self._held, None
        if held is not None:
            engine = self.connection.engine
            engine.holding.stop(self)
            engine.trying.stop(self)
            engine.rests.add(held)

    def held_in_vain(self) -> None:
        """Its client has gone, or has not polled for long."""
        self._polls_beside = False
        self.let_go()

    def _split(self, connection: Connection, content_type: str, body: bytes) -> Iterator[Packet]:
        if connection.protocol == 3:
            return eio3.split_payload(content_type, body)
        if content_type.partition(";")[0].strip() == eio3.BINARY:
            raise ProtocolError("binary payload in protocol 4")
        try:
            payload = body.decode()
        except UnicodeDecodeError:
            raise ProtocolError("not UTF-8") from None
        return split_payload(payload)

    def send(self, packets: Sequence[Packet], compress: bool = True) -> None:
        if self.connection.protocol == 3:
            content_type, payload = eio3.encode_payload(packets, self._binary)
        else:
            content_type, payload = eio3.TEXT, encode_payload(packets).encode()
        exchange, self._poll = self._poll, None
        assert exchange is not None
        exchange.respond_payload(content_type, payload, compress=compress)

    def send_prepared(self, prepared: Prepared) -> None:
        """Never asked for: what is collected goes out together."""

    def close(self) -> None:
        """A poll that waits is told when the transport is abandoned, which follows."""

    def abandon(self) -> None:
        self._arriving = False
        self.let_go()
        if self._left is not None:
            self._left()
            self._left = None
        is_over = self.connection.state is State.CLOSED
        # Freed by a NOOP, the client's poll ends without an error.
        if self._poll is not None:
            self.send((CLOSE if is_over else NOOP,))
        if is_over:
            # It knows its transport: a circle.
            del self.connection
