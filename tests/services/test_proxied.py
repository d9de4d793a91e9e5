"""What a proxy says of its clients by the PROXY protocol: what is no such header ends the connection, and quietly."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from struct import pack
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.python import log

from tests.support.certificates import certify
from tests.support.told import Server
from yekta.services.listening import service
from yekta.web.transports import sender

FOUR = socket.inet_aton("203.0.113.7") + socket.inet_aton("127.0.0.1") + pack(">HH", 1, 2)


@pytest.fixture
def errors() -> Iterator[list[Any]]:
    """What the reactor says of those that fail."""
    events: list[Any] = []

    def observe(event: Any) -> None:
        if event["isError"]:
            events.append(event)

    log.addObserver(observe)
    yield events
    log.removeObserver(observe)


def second(family: int, body: bytes) -> bytes:
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes((0x21, family)) + pack(">H", len(body)) + body


class Heard(Protocol):
    """What came after the header, and from whom."""

    def __init__(self) -> None:
        self.data = b""
        self.ended: Deferred[tuple[bytes, str]] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        if self.data.endswith(b"!"):
            self.transport.loseConnection()

    def connectionLost(self, reason: Any = None) -> None:
        self.ended.callback((self.data, self.transport.getPeer().host))


async def heard(*pieces: bytes) -> tuple[bytes, str]:
    """What a protocol is told behind ``haproxy:``, where a client sends ``pieces``, one after the other."""
    protocol = Heard()
    factory = Factory.forProtocol(lambda: protocol)
    port = await service("SETTING", "haproxy:tcp:0:interface=127.0.0.1", factory, reactor).endpoint.listen(factory)
    with socket.create_connection(("127.0.0.1", port.getHost().port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            client.sendall(piece)
            await deferLater(reactor, 0)
        told = await protocol.ended
    await port.stopListening()
    return told


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("piece", [1, 7, 15, 100])
@pytest.mark.parametrize(
    ("header", "client"),
    [
        (b"PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n", "203.0.113.7"), (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (b"PROXY UNKNOWN :: :: 1 2\r\n", "127.0.0.1"), (second(0x11, FOUR), "203.0.113.7"),
    ],
)  # fmt: skip
async def test_a_header_may_come_in_any_pieces(header: bytes, client: str, piece: int) -> None:
    said = header + b"hello!"
    assert await heard(*(said[at : at + piece] for at in range(0, len(said), piece))) == (b"hello!", client)


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    "header",
    [
        b"GET / HTTP/1.1\r\n", b"PROXY TCP4 203.0.113.7 127.0.0.1 a 2\r\n", b"PROXY TCP4 \xff 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.7 127.0.0.1 " + b"1" * 5_000 + b" 2\r\n", b"PROXY TCP4\r\n", b"PROXY " + b"1" * 200,
        second(0x11, b"12"), second(0xFF, FOUR), second(0x14, FOUR),
    ],
)  # fmt: skip
async def test_what_is_no_header_ends_the_connection_quietly(header: bytes, errors: list[Any]) -> None:
    assert await heard(header + b"hello!") == (b"", "127.0.0.1")
    assert errors == []


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("header", [b"PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n", second(0x11, FOUR)])
async def test_in_front_of_tls_the_header_comes_before_the_handshake(header: bytes, tmp_path: Path) -> None:
    pem = certify(tmp_path, "localhost")
    protocol = Heard()
    factory = Factory.forProtocol(lambda: protocol)
    endpoint = f"haproxy:ssl:0:privateKey={pem}:certKey={pem}:interface=127.0.0.1"
    port = await service("SETTING", endpoint, factory, reactor).endpoint.listen(factory)
    context = ssl.create_default_context(cafile=pem)

    def say() -> None:
        with socket.create_connection(("127.0.0.1", port.getHost().port), 10) as client:
            client.sendall(header)
            with context.wrap_socket(client, server_hostname="localhost") as secure:
                secure.sendall(b"hello!")
                assert secure.recv(1) == b""

    await deferToThread(say)
    assert await protocol.ended == (b"hello!", "203.0.113.7")
    assert ISSLTransport.providedBy(protocol.transport)
    await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_what_fits_into_tls_behind_a_header_is_sent_before_the_call_returns(tmp_path: Path) -> None:
    pem, server = certify(tmp_path, "localhost"), Server()
    factory = Factory.forProtocol(lambda: server)
    endpoint = f"haproxy:ssl:0:privateKey={pem}:interface=127.0.0.1"
    port = await service("SETTING", endpoint, factory, reactor).endpoint.listen(factory)

    def connect() -> ssl.SSLSocket:
        client = socket.create_connection(("127.0.0.1", port.getHost().port), 10)
        client.sendall(b"PROXY UNKNOWN\r\n")
        secure = ssl.create_default_context(cafile=pem).wrap_socket(client, server_hostname="localhost")
        secure.sendall(b"!")
        return secure

    client = await deferToThread(connect)
    while not server.heard:
        await deferLater(reactor, 0)
    sender(server.transport)(b"at once")
    # The reactor has not had a turn.
    assert client.recv(100) == b"at once"
    client.close()
    await server.lost
    await port.stopListening()
