"""Connections in memory: a transport that behaves as TCP does where it matters, and an HTTP client on it.

    client = HttpClient(site, clock)
    client.request("GET", "/path", {"Origin": "http://app.example"})
    answer = client.next_answer()                  # .status, .headers, .body; answer() is None while there is none

What happens "later" on a socket (a connection that is lost, bytes that waited) happens at ``clock.advance(0)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IHalfCloseableProtocol, IPushProducer, ITransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

STRANGER = "203.0.113.7"


@implementer(ITransport, IConsumer, IPushProducer)
class MemoryTransport:
    """The server's end of a connection.

    ``writes``: what was written, write by write. ``full``: every write congests it.
    ``flow``: every ``"pause"`` and ``"resume"`` of reading.
    ``lost``: why the connection ended, once it has.
    """

    def __init__(self, clock: Clock, address: str = STRANGER) -> None:
        self.protocol: Any = None
        self.producer: Any = None
        self.writes: list[bytes] = []
        self.flow: list[str] = []
        self.disconnecting = self.aborted = self.write_closed = self.congested = self.full = False
        self.lost: type[Exception] | None = None
        self._clock = clock
        self._address = address
        self._inbox: list[bytes] = []

    @property
    def reading(self) -> bool:
        """Whether the server reads."""
        return self.flow[-1:] != ["pause"]

    # -- the client's side -----------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """The client sends; the bytes wait while the server does not read."""
        if self.disconnecting or self.lost:
            return
        if self.reading:
            self.protocol.dataReceived(data)
        else:
            self._inbox.append(data)

    def end_turn(self) -> None:
        """The reactor's turn ends: what was gathered is sent."""
        self._clock.advance(0)

    def congest(self) -> None:
        """The client reads no longer, and the socket's buffer is full."""
        self.congested = True
        if self.producer is not None:
            self.producer.pauseProducing()

    def relieve(self) -> None:
        """The client has read everything."""
        self.congested = False
        if self.disconnecting and not self.lost and self.producer is None:
            self.lose(ConnectionDone)
        elif self.producer is not None:
            self.producer.resumeProducing()

    def half_close(self) -> None:
        """The client says no more, and may still read."""
        protocol = IHalfCloseableProtocol(self.protocol, None)
        if protocol is None:
            self.lose(ConnectionDone)
        else:
            protocol.readConnectionLost()

    def lose(self, reason: type[Exception] = ConnectionLost) -> None:
        """The connection ends here and now."""
        if self.lost is None:
            self.lost = reason
            self.producer = None
            self.protocol.connectionLost(Failure(reason()))

    # -- ITransport ------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        if self.lost is None and not self.aborted:
            self.writes.append(data)
        if self.full:
            self.congest()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        if not self.disconnecting:
            self.disconnecting = True
            if self.write_closed:
                self.lose(ConnectionDone)
            else:
                self._lose_soon()

    def abortConnection(self) -> None:
        if self.lost is None and not self.aborted:
            self.disconnecting = self.aborted = True
            self._clock.callLater(0, self.lose, ConnectionAborted)

    def loseWriteConnection(self) -> None:
        self.write_closed = True

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", self._address, 50000)

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.1", 3000)

    # -- IConsumer, IPushProducer ----------------------------------------------------------------------------

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert self.producer is None, "two producers"
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None
        if self.disconnecting and not self.aborted:
            self._lose_soon()

    def _lose_soon(self) -> None:
        """TLS closes for nobody who has a producer there; no transport does before all is sent."""
        if self.producer is None and not self.congested:
            self._clock.callLater(0, self.lose, ConnectionDone)

    def pauseProducing(self) -> None:
        self.flow.append("pause")

    def resumeProducing(self) -> None:
        self.flow.append("resume")
        if self._inbox:
            self._clock.callLater(0, self._deliver)

    def stopProducing(self) -> None:
        self.loseConnection()

    def _deliver(self) -> None:
        inbox, self._inbox = self._inbox, []
        for data in inbox:
            self.receive(data)


@attrs.frozen
class Answer:
    """One HTTP response; ``headers`` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """One connection to ``site`` from ``address``. ``refused``: it was closed before a word."""

    def __init__(self, site: Any, clock: Clock, address: str = STRANGER) -> None:
        self.transport = MemoryTransport(clock, address)
        self._read = 0
        channel = site.buildProtocol(self.transport.getPeer())
        self.refused = channel is None
        if channel is not None:
            self.transport.protocol = channel
            channel.makeConnection(self.transport)

    def send(self, data: bytes) -> None:
        """Send raw bytes."""
        self.transport.receive(data)

    def request(self, method: str, target: str, headers: Mapping[str, str] = {}, body: bytes = b"") -> None:
        """Send one whole request in one piece."""
        self.send(compose(method, target, headers, body))

    def ask(self, method: str, target: str, headers: Mapping[str, str] = {}, body: bytes = b"") -> Answer:
        """Send one whole request that is answered at once."""
        self.request(method, target, headers, body)
        return self.next_answer()

    def unread(self) -> bytes:
        """What the server sent since the last :meth:`answer`, its present turn of the reactor done."""
        self.transport.end_turn()
        return b"".join(self.transport.writes)[self._read :]

    def answer(self) -> Answer | None:
        """The next response, if it has arrived whole. Bodies have a ``Content-Length``, as all of ours do."""
        head, end, rest = self.unread().partition(b"\r\n\r\n")
        if not end:
            return None
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self._read += len(head) + len(end) + length
        return Answer(int(status_line.split()[1]), headers, rest[:length])

    def next_answer(self) -> Answer:
        """The next response, which must have arrived."""
        answer = self.answer()
        assert answer is not None, "no answer"
        return answer

    def hang_up(self) -> None:
        """Close the connection, as a client does that goes away."""
        self.transport.lose(ConnectionDone)


def compose(method: str, target: str, headers: Mapping[str, str] = {}, body: bytes = b"") -> bytes:
    """The bytes of one request. A ``Content-Length`` is added unless ``headers`` frame the body."""
    fields = {"Host": "gateway.example", **headers}
    if body and "Transfer-Encoding" not in fields:
        fields.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
