"""TCP with a shortcut, over real sockets: what arrives is what Twisted's own transport would have sent."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from tests.support.patience import turn
from tests.support.told import MUCH, Pair, served
from tests.support.turns import Turns
from yekta.ports import BACKLOG
from yekta.tcp import Connection, Corked


@pytest.fixture(params=[lambda: reactor, Turns], ids=["any reactor", "a reactor with turns"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with served(Pair(request.param())) as pair:
        yield pair


@pytest.fixture
def plain() -> Iterator[Pair]:
    with served(Pair(reactor)) as pair:
        yield pair


@pytest.fixture
def corked() -> Iterator[Pair]:
    with served(Pair(Turns())) as pair:
        yield pair


@pytest_twisted.ensureDeferred
async def test_what_fits_is_sent_before_the_call_returns(plain: Pair) -> None:
    transport = (await plain.server.made).transport
    assert type(transport) is Connection
    transport.write_now(b"at once")
    # The reactor has not had a turn.
    assert plain.client.recv(100) == b"at once"
    assert reactor.getWriters() == []


@pytest_twisted.ensureDeferred
async def test_where_the_reactor_has_turns_what_is_said_leaves_at_the_end_of_one(corked: Pair) -> None:
    transport = (await corked.server.made).transport
    assert type(transport) is Corked
    transport.write_now(b"in a moment")
    corked.client.setblocking(False)
    with pytest.raises(BlockingIOError):
        corked.client.recv(100)
    await turn()
    assert corked.client.recv(100) == b"in a moment"
    assert reactor.getWriters() == []


@pytest_twisted.ensureDeferred
async def test_of_what_is_said_in_a_turn_only_the_last_waits(corked: Pair) -> None:
    transport = (await corked.server.made).transport
    for part in (b"first, ", b"second, ", b"third"):
        transport.write_now(part)
    assert corked.client.recv(100) == b"first, second, "
    await turn()
    assert corked.client.recv(100) == b"third"


@pytest_twisted.ensureDeferred
async def test_what_waits_for_the_end_of_a_turn_goes_before_what_twisted_buffers(corked: Pair) -> None:
    transport = (await corked.server.made).transport
    transport.write_now(b"first, ")
    transport.write(b"second, ")
    transport.write_now(b"third, ")
    transport.writeSequence([b"fourth"])
    transport.loseConnection()
    assert await corked.read_all() == b"first, second, third, fourth"


@pytest_twisted.ensureDeferred
async def test_what_waits_for_the_end_of_a_turn_is_said_when_the_connection_ends_in_it(corked: Pair) -> None:
    transport = (await corked.server.made).transport
    transport.write_now(b"the reactor stops")
    transport.connectionLost(Failure(ConnectionDone()))
    assert await corked.read_all() == b"the reactor stops"


@pytest_twisted.ensureDeferred
async def test_what_does_not_fit_follows_in_order_and_the_producer_waits(pair: Pair) -> None:
    transport = (await pair.server.made).transport
    parts = [os.urandom(MUCH), b"second", os.urandom(MUCH), b"last"]
    for part in parts:
        transport.write_now(part)
    assert set(pair.server.flow) == {"pause"}
    transport.loseConnection()
    assert await pair.read_all() == b"".join(parts)
    assert pair.server.flow[-1] == "resume"
    assert await pair.server.lost == "ConnectionDone"


@pytest_twisted.ensureDeferred
async def test_of_what_is_said_to_a_full_socket_nothing_is_lost(pair: Pair) -> None:
    transport = (await pair.server.made).transport
    filled = 0
    with suppress(BlockingIOError):
        while True:
            filled += transport.socket.send(bytes(1 << 16))
    transport.write_now(b"all of it")
    transport.loseConnection()
    assert await pair.read_all() == bytes(filled) + b"all of it"


@pytest_twisted.ensureDeferred
async def test_what_twisted_has_buffered_goes_first(pair: Pair) -> None:
    transport = (await pair.server.made).transport
    transport.write(b"buffered, ")
    transport.write_now(b"then this")
    transport.loseConnection()
    assert await pair.read_all() == b"buffered, then this"


@pytest_twisted.ensureDeferred
async def test_what_is_said_while_the_rest_leaves_follows_it(pair: Pair) -> None:
    transport = (await pair.server.made).transport
    sent = os.urandom(MUCH)
    transport.write_now(sent)
    begun = b""
    while not transport.dataBuffer:
        begun += await deferToThread(pair.client.recv, 1 << 16)
    # There is room for it, which the rest is to have first.
    while not select.select([], [transport], [], 0)[1]:
        begun += pair.client.recv(1 << 16)
    transport.write_now(b"last")
    transport.loseConnection()
    assert begun + await pair.read_all() == sent + b"last"


@pytest_twisted.ensureDeferred
async def test_after_the_end_nothing_is_sent_and_nothing_breaks(pair: Pair) -> None:
    transport = (await pair.server.made).transport
    transport.write_now(b"bye")
    transport.loseConnection()
    transport.write_now(b" after loseConnection Twisted sends this too")
    await pair.server.lost
    transport.write_now(b"never")
    assert await pair.read_all() == b"bye after loseConnection Twisted sends this too"


@pytest_twisted.ensureDeferred
async def test_accepted_sockets_do_not_wait_for_more_to_send(pair: Pair) -> None:
    assert (await pair.server.made).transport.getTcpNoDelay()


@pytest_twisted.ensureDeferred
async def test_a_connection_says_whose_it_is(pair: Pair) -> None:
    transport, (host, port) = (await pair.server.made).transport, pair.client.getsockname()
    assert transport.logPrefix() == f"Server,{port},{host}"
    assert repr(transport) == f"<connection from port {port} of {host}>"
    assert transport.client == (host, port)
    assert transport.getPeer() == IPv4Address("TCP", host, port)


@pytest_twisted.ensureDeferred
async def test_a_port_is_open_at_its_address_alone(pair: Pair) -> None:
    address = pair.port.getHost()
    assert address.host == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", address.port), timeout=20)
    await pair.server.made


@pytest_twisted.ensureDeferred
async def test_thousands_may_wait_to_be_accepted(pair: Pair) -> None:
    assert pair.port.backlog == BACKLOG
    await pair.server.made
