"""Sockets that others have made: from systemd, or from another process of ours."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.address import UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogEvent, LogLevel, capturedLogs, formatEvent
from twisted.python.failure import Failure

from tests.support.told import Server
from yekta.ports import Listening
from yekta.tcp import Connection
from yekta.web.transports import sender


@pytest_twisted.ensureDeferred
async def test_a_socket_from_systemd_is_listened_on_alike() -> None:
    server = Server()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        factory = Factory.forProtocol(lambda: server)
        port = Listening(reactor).adoptStreamPort(listening.fileno(), socket.AF_INET, factory)
        with socket.create_connection(listening.getsockname()):
            transport = (await server.made).transport
            assert type(transport) is Connection
            assert transport.getTcpNoDelay()
        await server.lost
        await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_a_unix_socket_from_systemd_stays_as_it_is_for_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        # Of one that is root's, nobody else may change the mode.
        path.chmod(0o640)
        listening.listen()
        listening.setblocking(False)
        for _ in range(2):
            server = Server()
            factory = Factory.forProtocol(lambda: server)  # noqa: B023
            port = Listening(reactor).adoptStreamPort(listening.fileno(), socket.AF_UNIX, factory)
            assert port.getHost() == UNIXAddress(str(path))
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                transport = (await server.made).transport
                assert sender(transport) == transport.write
            await server.lost
            await port.stopListening()
            assert path.stat().st_mode & 0o777 == 0o640


@contextmanager
def accepted(address: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection, the server's first."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with (
        socket.create_server((address, 0), family=family) as listening,
        socket.create_connection(listening.getsockname()[:2], timeout=20) as client,
        listening.accept()[0] as ours,
    ):
        yield ours, client


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_connection_of_another_process_goes_on_alike(address: str) -> None:
    server = Server()
    factory = Factory.forProtocol(lambda: server)
    with accepted(address) as (ours, client):
        adopted = Listening(reactor).adoptStreamConnection(ours.fileno(), ours.family, factory)
        # The other process closes its own descriptor.
        ours.close()
        transport = (await server.made).transport
        assert transport is adopted
        assert type(transport) is Connection
        peer = transport.getPeer()
        assert (peer.host, peer.port) == client.getsockname()[:2]
        assert transport.client == client.getsockname()
        transport.write_now(b"at once")
        assert client.recv(100) == b"at once"
        client.sendall(b"heard")
        client.shutdown(socket.SHUT_WR)
        assert await server.lost == "ConnectionDone"
        assert server.heard == b"heard"


class Exhausted:
    """A listening socket of a process that can have no more: each connection takes the one descriptor in reserve."""

    def __init__(self, error: int) -> None:
        self.error = error
        self._fails = True

    def accept(self) -> tuple[socket.socket, Any]:
        self._fails = not self._fails
        if not self._fails:
            raise OSError(self.error, "")
        return socket.socket(), ("192.0.2.1", 1234)

    def refuse(self, port: Any) -> None:
        """One that wants to come."""
        self._fails = True
        # None comes after it.
        port.numberAccepts = 2
        port.doRead()


@pytest.fixture(params=["tcp", "unix", "unix, adopted"])
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """One that listens, and whose reactor only tells the time."""
    reactor = MemoryReactorClock()
    listening = Listening(reactor)
    with socket.socket(socket.AF_UNIX) as made:
        if request.param == "tcp":
            port: Any = listening.listenTCP(0, Factory(), interface="127.0.0.1")
        elif request.param == "unix":
            port = listening.listenUNIX(str(tmp_path / "socket"), Factory())
        else:
            made.bind(str(tmp_path / "socket"))
            made.listen()
            port = listening.adoptStreamPort(made.fileno(), socket.AF_UNIX, Factory())
        own = port.socket
        yield port
        port.socket = own
        port.connectionLost(Failure(ConnectionDone()))


def said(events: list[LogEvent]) -> list[str]:
    return [formatEvent(event) or "" for event in events]


def test_refusals_for_want_of_descriptors_are_told_seldom_and_of_no_address(port: Any) -> None:
    port.socket = Exhausted(errno.EMFILE)
    with capturedLogs() as events:
        for _ in range(100):
            port.socket.refuse(port)
        assert said(events) == ["Connections are refused: Too many open files"]
        assert events[0]["log_level"] is LogLevel.warn
        port.reactor.advance(10)
        port.socket.refuse(port)
        assert len(events) == 2


def test_each_reason_of_refusals_is_told(port: Any) -> None:
    with capturedLogs() as events:
        for error in (errno.ENFILE, errno.ENOMEM) * 2:
            port.socket = Exhausted(error)
            port.socket.refuse(port)
    assert said(events) == [f"Connections are refused: {os.strerror(each)}" for each in (errno.ENFILE, errno.ENOMEM)]


class Full(Factory):
    """Wants no more connections."""

    def buildProtocol(self, addr: Any) -> None:
        """There are too many."""


def test_a_connection_of_another_process_that_nobody_wants_is_closed() -> None:
    with accepted("127.0.0.1") as (ours, client):
        assert Listening(reactor).adoptStreamConnection(ours.fileno(), ours.family, Full()) is None
        ours.close()
        assert client.recv(1) == b""


@pytest_twisted.ensureDeferred
async def test_a_unix_connection_of_another_process_is_the_reactor_s_own() -> None:
    server = Server()
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            factory = Factory.forProtocol(lambda: server)
            Listening(reactor).adoptStreamConnection(ours.fileno(), socket.AF_UNIX, factory)
        transport = (await server.made).transport
        assert sender(transport) == transport.write
        theirs.sendall(b"heard")
    await server.lost
    assert server.heard == b"heard"
