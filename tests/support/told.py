"""A server's protocol that tells what happens to it, and both ends of its connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread

from yekta.ports import Listening

# More than the buffers of both sockets hold together.
MUCH = 16 << 20


class Server(Protocol):
    """Tells what happens to it; a push producer of nothing."""

    def __init__(self) -> None:
        self.made: Deferred[Server] = Deferred()
        self.lost: Deferred[Any] = Deferred()
        self.flow: list[str] = []
        self.heard = b""

    def connectionMade(self) -> None:
        self.transport.registerProducer(self, True)
        self.made.callback(self)

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Any) -> None:
        self.lost.callback(reason.type.__name__)

    def pauseProducing(self) -> None:
        self.flow.append("pause")

    def resumeProducing(self) -> None:
        self.flow.append("resume")
        # Twisted closes a connection only once its producer is done.
        self.transport.unregisterProducer()

    def stopProducing(self) -> None:
        self.flow.append("stop")


class Pair:
    """A listening port, a server's connection, and a blocking socket as its client."""

    def __init__(self, clock: Any) -> None:
        self.server = Server()
        self.port = Listening(clock).listenTCP(0, Factory.forProtocol(lambda: self.server), interface="127.0.0.1")
        self.client = socket.create_connection(("127.0.0.1", self.port.getHost().port), timeout=20)

    async def read_all(self) -> bytes:
        """What the client reads until the end."""
        return await deferToThread(lambda: b"".join(iter(lambda: self.client.recv(1 << 16), b"")))


@contextmanager
def served(pair: Pair) -> Iterator[Pair]:
    """``pair``, whose ends are closed when it is over."""
    with closing(pair.client):
        yield pair
    pytest_twisted.blockon(pair.port.stopListening())
