"""How connections of TCP with a shortcut end, over real sockets: as Twisted's own transport would have it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.support.patience import turn
from tests.support.told import MUCH, Pair, served
from tests.support.turns import Turns


@pytest.fixture(params=[lambda: reactor, Turns], ids=["any reactor", "a reactor with turns"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with served(Pair(request.param())) as pair:
        yield pair


def _say_nothing(transport: Any) -> None:
    """Nothing."""


ENDS = {
    "nothing to send": (_say_nothing, b""),
    "sent at once": (lambda transport: transport.write_now(b"bye"), b"bye"),
    "buffered": (lambda transport: transport.write(b"bye"), b"bye"),
    "more than fits": (lambda transport: transport.write_now(bytes(MUCH)), bytes(MUCH)),
}


@pytest.mark.parametrize("before", [True, False], ids=["written before", "written after"])
@pytest.mark.parametrize("produces", [True, False], ids=["with a producer", "without a producer"])
@pytest.mark.parametrize("end", ENDS)
@pytest_twisted.ensureDeferred
async def test_a_connection_that_is_lost_while_it_is_read_says_all(
    pair: Pair, end: str, produces: bool, before: bool
) -> None:
    say, said = ENDS[end]
    server = await pair.server.made

    def answer(data: bytes) -> None:
        if not produces:
            server.transport.unregisterProducer()
        if before:
            say(server.transport)
        server.transport.loseConnection()
        if not before:
            say(server.transport)
        assert not server.lost.called

    server.dataReceived = answer  # type: ignore[method-assign]
    pair.client.sendall(b"hello")
    assert await pair.read_all() == said
    assert await server.lost == "ConnectionDone"
    # One that had to wait left by itself, once it was told to go on.
    assert ("stop" in server.flow) == (produces and "resume" not in server.flow)
    # Nobody is there to hear it.
    server.transport.write_now(b"never")
    server.transport.write(b"never")


@pytest_twisted.ensureDeferred
async def test_a_connection_that_has_nothing_to_say_is_lost_when_it_was_read(pair: Pair) -> None:
    server = await pair.server.made
    server.transport.unregisterProducer()
    pair.client.sendall(b"hello")
    while not server.heard:
        await turn()
    server.transport.loseConnection()
    assert await pair.read_all() == b""
    assert await server.lost == "ConnectionDone"


@pytest_twisted.ensureDeferred
async def test_a_connection_that_is_lost_is_not_read_while_what_it_said_leaves(pair: Pair) -> None:
    server = await pair.server.made

    def answer(data: bytes) -> None:
        server.heard += data
        server.transport.write_now(bytes(MUCH))
        server.transport.loseConnection()

    server.dataReceived = answer  # type: ignore[method-assign]
    pair.client.sendall(b"hello")
    while not server.heard:
        await turn()
    assert server.transport not in reactor.getReaders()
    assert await pair.read_all() == bytes(MUCH)


@pytest_twisted.ensureDeferred
async def test_a_connection_whose_producer_leaves_last_is_watched_no_longer(pair: Pair) -> None:
    server = await pair.server.made

    def answer(data: bytes) -> None:
        server.transport.loseConnection()
        server.transport.unregisterProducer()

    server.dataReceived = answer  # type: ignore[method-assign]
    pair.client.sendall(b"hello")
    assert await server.lost == "ConnectionDone"
    assert server.transport not in (*reactor.getReaders(), *reactor.getWriters())


@pytest_twisted.ensureDeferred
async def test_a_connection_that_is_aborted_while_it_is_read_is_reset(pair: Pair) -> None:
    server = await pair.server.made

    def answer(data: bytes) -> None:
        server.transport.unregisterProducer()
        server.transport.loseConnection()
        server.transport.abortConnection()

    server.dataReceived = answer  # type: ignore[method-assign]
    pair.client.sendall(b"hello")
    assert await server.lost == "ConnectionAborted"
    with pytest.raises(ConnectionResetError):
        pair.client.recv(1)


@pytest_twisted.ensureDeferred
async def test_a_connection_is_lost_once_whoever_says_so(pair: Pair) -> None:
    """One that is aborted while it is read may fail there too: the reactor tells of both."""
    server = await pair.server.made
    for _ in range(2):
        server.transport.connectionLost(Failure(ConnectionDone()))
    assert await server.lost == "ConnectionDone"


@pytest_twisted.ensureDeferred
async def test_a_broken_connection_is_reported_as_twisted_reports_it(pair: Pair) -> None:
    transport = (await pair.server.made).transport
    pair.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    pair.client.close()
    for _ in range(3):
        transport.write_now(b"into the void")
    assert await pair.server.lost in ("ConnectionLost", "ConnectionDone")


@pytest_twisted.ensureDeferred
async def test_a_connection_that_is_reset_is_lost_and_one_that_says_nothing_is_not(pair: Pair) -> None:
    transport = (await pair.server.made).transport
    assert transport.doRead() is None
    pair.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    pair.client.close()
    assert await pair.server.lost == "ConnectionLost"
