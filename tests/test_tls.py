"""TLS with a shortcut, over real sockets: what arrives is what Twisted's own transport would have sent."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread

from tests.support.certificates import certify
from tests.support.patience import turn
from tests.support.told import Server
from yekta.ports import Listening
from yekta.services.listening import service
from yekta.tls import TlsTransport

# More than the buffers of both sockets hold together.
MUCH = 16 << 20


def secured(connection: socket.socket) -> ssl.SSLSocket:
    """A client's end, once hands are shaken."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connection, server_hostname="localhost")


@attrs.define
class Pair:
    """A server's connection, and a blocking socket as its client."""

    server: Server
    client: ssl.SSLSocket

    async def read_all(self) -> bytes:
        """What the client reads until the end, which it answers."""

        def read() -> bytes:
            parts = list(iter(lambda: self.client.recv(1 << 16), b""))
            self.client.unwrap()
            return b"".join(parts)

        return await deferToThread(read)


@pytest_twisted.async_yield_fixture(params=["Python's ssl", "pyOpenSSL"])
async def pair(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    pem, server = certify(tmp_path, "localhost"), Server()
    named = f"ssl:0:interface=127.0.0.1:privateKey={pem}"
    factory = Factory.forProtocol(lambda: server)
    if request.param == "pyOpenSSL":
        port = await serverFromString(Listening(reactor), named).listen(factory)
    else:
        port = await service("SETTING", named, factory, reactor).endpoint.listen(factory)
    assert port.getHost().host == "127.0.0.1"
    plain = socket.create_connection(("127.0.0.1", port.getHost().port), timeout=20)
    client = await deferToThread(secured, plain)
    # A server knows later than its client that hands are shaken.
    client.sendall(b"!")
    while not server.heard:
        await turn()
    yield Pair(server, client)
    client.close()
    await server.lost
    await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_what_fits_is_sent_before_the_call_returns(pair: Pair) -> None:
    transport = pair.server.transport
    assert type(transport) is TlsTransport
    transport.write_now(b"at once")
    # The reactor has not had a turn.
    assert pair.client.recv(100) == b"at once"
    assert reactor.getWriters() == []


@pytest_twisted.ensureDeferred
async def test_what_twisted_has_gathered_goes_first(pair: Pair) -> None:
    transport = pair.server.transport
    transport.write(b"gathered, ")
    transport.write_now(b"then this")
    assert pair.client.recv(100) + pair.client.recv(100) == b"gathered, then this"


@pytest_twisted.ensureDeferred
async def test_what_does_not_fit_follows_in_order_and_the_producer_waits(pair: Pair) -> None:
    parts = [os.urandom(MUCH), b"second", os.urandom(MUCH), b"last"]
    for part in parts:
        pair.server.transport.write_now(part)
    assert set(pair.server.flow) == {"pause"}
    pair.server.transport.loseConnection()
    assert await pair.read_all() == b"".join(parts)
    assert pair.server.flow[-1] == "resume"
    assert await pair.server.lost == "ConnectionDone"


@pytest_twisted.ensureDeferred
async def test_a_client_that_never_says_goodbye_is_waited_for(pair: Pair) -> None:
    """Whoever waits must know it: nothing is said to be unsent only where there is nothing to wait for."""
    pair.server.transport.unregisterProducer()
    pair.server.transport.loseConnection()
    assert pair.client.recv(100) == b""
    assert pair.server.transport.unsent
    assert not pair.server.lost.called


@pytest_twisted.ensureDeferred
async def test_a_client_s_goodbye_is_answered(pair: Pair) -> None:
    pair.server.transport.unregisterProducer()
    pair.client = await deferToThread(pair.client.unwrap)  # type: ignore[assignment]
    assert await pair.server.lost == "ConnectionDone"


@pytest_twisted.ensureDeferred
async def test_who_has_said_all_says_so_and_goes_on_to_hear(pair: Pair) -> None:
    server = pair.server
    server.transport.unregisterProducer()
    server.transport.write(b"all ")
    server.transport.write_now(b"of it")
    server.transport.loseWriteConnection()
    pair.client.suppress_ragged_eofs = False
    said = [await deferToThread(pair.client.recv, 100) for _ in range(3)]
    assert said == [b"all ", b"of it", b""]
    pair.client.sendall(b"and this")
    while not server.heard.endswith(b"and this"):
        await turn()
    pair.client = await deferToThread(pair.client.unwrap)  # type: ignore[assignment]
    assert await server.lost == "ConnectionDone"
