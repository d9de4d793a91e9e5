"""TLS in memory: a server's end by each way there is, and a client of OpenSSL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import PrivateCertificate
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from yekta.services.certificates import Certificate
from yekta.tls import wrapped


class Echo(Protocol):
    transport: Any

    def __init__(self) -> None:
        self.heard = self.greeting = b""
        self.answers = self.leaves = self.aborts = False
        self.lost: Failure | None = None

    def connectionMade(self) -> None:
        if self.greeting:
            self.transport.write_now(self.greeting)

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        if self.leaves:
            self.transport.loseConnection()
        if self.aborts:
            self.transport.abortConnection()
        if self.answers:
            self.transport.write_now(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = reason


class Pair:
    """A server's end in memory, made by ``make``, and a client of OpenSSL, whose hands are shaken."""

    def __init__(
        self,
        pem: Path,
        make: Callable[..., TLSMemoryBIOFactory],
        version: int = SSL.TLS1_3_VERSION,
        greeting: bytes = b"",
    ) -> None:
        self.clock, self.echo = Clock(), Echo()
        self.greeting, self.echo.greeting = b"", greeting
        factory = make(Factory.forProtocol(lambda: self.echo), pem, self.clock)
        self.transport = StringTransport()
        self.server: Any = factory.buildProtocol(self.transport.getPeer())
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_max_proto_version(version)
        self.client = SSL.Connection(context, None)
        self.client.set_connect_state()
        self.server.makeConnection(self.transport)
        for _ in range(5):
            if self._is_shaken():
                break
            self.give(self.said())
            self.greeting += self.take()

    def _is_shaken(self) -> bool:
        try:
            self.client.do_handshake()
        except SSL.WantReadError:
            return False
        self.give(self.said())
        return True

    def said(self) -> bytes:
        """What the client has to send."""
        parts = []
        try:
            while True:
                parts.append(self.client.bio_read(1 << 16))
        except SSL.WantReadError:
            return b"".join(parts)

    def give(self, data: bytes) -> None:
        """Bytes arrive at the server."""
        if data:
            self.server.dataReceived(data)

    def take(self) -> bytes:
        """The client gets what the server sent in this turn; gives what was in it."""
        self.clock.advance(0)
        data = self.transport.value()
        self.transport.clear()
        if data:
            self.client.bio_write(data)
        parts = []
        try:
            while True:
                parts.append(self.client.recv(1 << 16))
        except (SSL.WantReadError, SSL.ZeroReturnError):
            return b"".join(parts)


def options(pem: Path) -> Any:
    return PrivateCertificate.loadPEM(pem.read_bytes()).options()


def ours(factory: Any, pem: Path, clock: Any) -> TLSMemoryBIOFactory:
    return wrapped(factory, Certificate("SETTING", f"ssl:0:privateKey={pem}"), clock)


def over_pyopenssl(factory: Any, pem: Path, clock: Any) -> TLSMemoryBIOFactory:
    return wrapped(factory, options(pem), clock)


def twisteds(factory: Any, pem: Path, clock: Any) -> TLSMemoryBIOFactory:
    return TLSMemoryBIOFactory(options(pem), False, factory, clock)
