"""A server's protocol that tells what happens to it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol


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
