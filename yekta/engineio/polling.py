"""HTTP long polling (Engine.IO protocol 4, "HTTP long-polling"): a GET waits for packets, a POST brings them.

Knows no HTTP server: it is given an :class:`~yekta.engineio.interfaces.Exchange` for each request.
"""

from __future__ import annotations

from collections.abc import Sequence

from yekta.engineio.connection import PARSE_ERROR, TRANSPORT_ERROR, Connection, State
from yekta.engineio.errors import ProtocolError, bad_method, bad_request
from yekta.engineio.interfaces import Exchange, Prepared
from yekta.engineio.packet import CLOSE, NOOP, Packet, decode_payload, encode_payload
from yekta.web.request import Request


class Polling:
    """The transport of one connection; at most one GET waits at a time."""

    name = "polling"
    immediate = False
    connection: Connection

    def __init__(self) -> None:
        self._poll: Exchange | None = None

    @property
    def writable(self) -> bool:
        return self._poll is not None

    flowing = writable

    def request_received(self, request: Request, exchange: Exchange) -> None:
        """A request of this connection's client. Raises `Refusal`."""
        if request.method == "GET":
            self._get(exchange)
        elif request.method == "POST":
            self._post(request, exchange)
        else:
            raise bad_method()

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

    def _post(self, request: Request, exchange: Exchange) -> None:
        if request.headers.get("content-type") == "application/octet-stream":
            self.connection.fail(TRANSPORT_ERROR, "binary payload in protocol 4")
            raise bad_request("BINARY_PAYLOAD")
        try:
            packets = decode_payload(exchange.body.decode())
        except (ProtocolError, UnicodeDecodeError):
            self.connection.fail(PARSE_ERROR, "malformed payload")
            raise bad_request("MALFORMED_PAYLOAD") from None
        for packet in packets:
            self.connection.packet_received(packet)
        exchange.respond(200, "text/html", b"ok")

    def send(self, packets: Sequence[Packet]) -> None:
        self._answer(encode_payload(packets))

    def send_prepared(self, prepared: Prepared) -> None:
        self.send(prepared.packets)

    def close(self) -> None:
        self._answer(CLOSE)

    def abandon(self) -> None:
        # Freed by a NOOP, the client's poll ends without an error.
        self._answer(NOOP if self.connection.state is not State.CLOSED else CLOSE)

    def _answer(self, payload: str) -> None:
        exchange, self._poll = self._poll, None
        if exchange is not None:
            exchange.respond(200, "text/plain; charset=UTF-8", payload.encode())
