"""TCP as Twisted serves it, with one shortcut: what may be sent at once does not wait to be told that it may.

Twisted's `write` puts data into a buffer and asks the reactor to say when the socket is writable: two system calls and
half a dozen Python calls for what one ``send(2)`` does where nothing is queued, which is nearly always. Its
`loseConnection` waits for the same, to send nothing and close. Everything else (short writes, producers, TLS) stays
Twisted's own. Listen through `yekta.ports` to have it; without it the same protocols run over any transport, by its
ordinary `write`.

At once is when `Connection.write_now` is called, or, where the reactor says when its turn ends, then (`Corked`).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from sys import intern
from typing import Any

from twisted.internet import abstract, tcp
from twisted.internet.address import IPv6Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IProtocol
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.python.failure import Failure

from yekta.attributes import share

_DONE = Failure(CONNECTION_DONE)


class Connection(tcp.Server):
    """One accepted connection. What only a log would show of it is written when one does."""

    _tempDataLen = 0
    # A list as soon as there is something to wait in it.
    _tempDataBuffer: Any = ()
    # Our sockets are closed on exec: nobody else holds them, and close(2) is enough.
    _shouldShutdown = False
    _reading = False
    # What Twisted describes an adopted connection by, in vain.
    sessionno = 0
    # Of IPv6: flow and scope.
    _scope: tuple[int, ...] = ()

    def __init__(
        self,
        sock: socket.socket,
        protocol: IProtocol,
        client: tuple[Any, ...],
        server: Any,
        sessionno: int,
        reactor: Any,
    ) -> None:
        """As Twisted's, without two descriptions of the connection, and what only some connections need."""
        self.reactor = reactor
        sock.setblocking(False)
        self.socket = sock
        self.protocol = protocol
        self.server = server
        # Behind a proxy, all clients have the same.
        self.host = intern(client[0])
        self._port = client[1]
        if len(client) != 2:
            self._addressType = IPv6Address
            self._scope = client[2:]
        self._watch()
        self.connected = 1
        # False once it was lost, or something had to wait: then there is more to look at before a write.
        self._direct = True

    @property
    def client(self) -> tuple[Any, ...]:  # type: ignore[override]
        """Where the other end is, as the system has it. It would be a tuple for each connection."""
        return self.host, self._port, *self._scope

    def logPrefix(self) -> str:
        return f"{self._getLogPrefix(self.protocol)},{self._port},{self.host}"

    def __repr__(self) -> str:
        return f"<connection from port {self._port} of {self.host}>"

    def fileno(self) -> int:
        """The socket's, while it is open."""
        return self.socket.fileno() if hasattr(self, "socket") else -1

    def write(self, data: bytes) -> None:
        """As Twisted's."""
        self._begin_to_buffer()
        super().write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """As Twisted's."""
        self._begin_to_buffer()
        super().writeSequence(iovec)

    def _begin_to_buffer(self) -> None:
        self._direct = False
        if not self._tempDataBuffer:
            self._tempDataBuffer = []

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """As Twisted's, one call shorter, as is the next."""
        if self.TLS or not streaming or self.producer is not None or self.disconnected:
            super().registerProducer(producer, streaming)
        else:
            self.producer, self.streamingProducer = producer, streaming

    def unregisterProducer(self) -> None:
        """As Twisted's."""
        if self.TLS or self.disconnecting:
            super().unregisterProducer()
        else:
            self.producer = None

    def startTLS(self, ctx: Any, normal: bool = True) -> None:
        """As Twisted's."""
        self._direct = False
        super().startTLS(ctx, normal)

    def doRead(self) -> ConnectionLost | ConnectionDone | None:  # type: ignore[override]
        """As Twisted's, one call shorter."""
        try:
            data = self.socket.recv(self.bufferSize)
        except BlockingIOError:
            return None
        except OSError:
            return CONNECTION_LOST
        if not data:
            return CONNECTION_DONE
        self._reading = True
        self.protocol.dataReceived(data)
        self._reading = False
        if self.disconnecting and self.connected and not self._aborting:
            self._close()
        return None

    def loseConnection(self) -> None:
        """As Twisted's; what is lost while it is read is closed when that is done, where nothing waits to be sent."""
        self._direct = False
        if not self._reading or self._writeDisconnected or self.TLS:
            super().loseConnection()
        elif self.connected:
            self.disconnecting = True

    @property
    def unsent(self) -> bool:
        """Whether anything waits to be sent."""
        return bool(self.dataBuffer or self._tempDataBuffer)

    def _close(self) -> None:
        """End what has lost its connection, or wait until all is sent."""
        if self.producer is not None or self.unsent:
            self.stopReading()
            self.startWriting()
            return
        self._unwatch()
        # As `connectionLost`, for what is not writing and has no producer.
        self.connected, self.disconnected = 0, 1
        self.socket.close()
        self._forget(_DONE)

    def _watch(self) -> None:
        """The socket has just been made."""
        self.startReading()

    def _unwatch(self) -> None:
        """The socket is about to be closed."""
        self.stopReading()
        # Twisted writes, in vain, where a producer leaves last.
        self.stopWriting()

    def readConnectionLost(self, reason: Failure) -> None:
        """As Twisted's; where nothing waits to be sent, half a connection is none."""
        if self.unsent:
            super().readConnectionLost(reason)
        else:
            self.connectionLost(reason)

    def connectionLost(self, reason: Failure) -> None:
        """As Twisted's."""
        # Whoever aborts while it is read may be told twice.
        if hasattr(self, "socket"):
            abstract.FileDescriptor.connectionLost(self, reason)
            self._closeSocket(not reason.check(ConnectionAborted))
            self._forget(reason)

    def _forget(self, reason: Failure) -> None:
        self._direct = False
        protocol = self.protocol
        del self.protocol, self.socket
        protocol.connectionLost(reason)

    def write_now(self, data: bytes) -> None:
        """As `write`, but what the socket takes at once is gone when this returns."""
        if not self._direct and (self.unsent or self.disconnecting or not self.connected or self.TLS):
            Connection.write(self, data)
            return
        try:
            sent = self.socket.send(data)
        except OSError:
            # Full, or broken: the buffered path meets it again, and tells whom it must.
            sent = 0
        if sent < len(data):
            Connection.write(self, data[sent:])


# What each connection has of its own.
_OWN = (
    *("reactor", "socket", "protocol", "server", "host", "_port", "connected"),
    *("_direct", "_reading", "producer", "streamingProducer", "disconnecting", "disconnected"),
)
share(Connection, *_OWN)


class Corked(Connection):
    """A connection of a reactor that says when its turn ends: what is said in a turn leaves at its end.

    First all is read that can be, then all is said. So the kernel's ways in and out each stay warm, and clients of this
    machine, such as a proxy, are woken once and not for each message.
    """

    reactor: Any
    # The last write of this turn.
    _said = b""

    def write_now(self, data: bytes) -> None:
        """As `Connection.write_now`, but at the end of the turn, or when more is said."""
        if not self._direct and self.disconnecting:
            # It may be over before the turn is.
            Connection.write_now(self, data)
            return
        if self._said:
            self.uncork()
        else:
            self.reactor.corked.append(self)
        self._said = data

    def uncork(self) -> None:
        """Send what waits for the end of the turn."""
        said, self._said = self._said, b""
        if said:
            Connection.write_now(self, said)

    def write(self, data: bytes) -> None:
        """As Twisted's."""
        self.uncork()
        super().write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """As Twisted's."""
        self.uncork()
        super().writeSequence(iovec)

    def loseConnection(self) -> None:
        """As `Connection.loseConnection`."""
        self.uncork()
        super().loseConnection()

    def readConnectionLost(self, reason: Failure) -> None:
        """As `Connection.readConnectionLost`."""
        self.uncork()
        super().readConnectionLost(reason)

    def _watch(self) -> None:
        self.reactor.watch(self.socket.fileno(), self)

    def _unwatch(self) -> None:
        self.reactor.forget(self.socket.fileno())

    def connectionLost(self, reason: Failure) -> None:
        """As Twisted's."""
        self.uncork()
        super().connectionLost(reason)


share(Corked, *_OWN, "_said")


class Carrier(Connection):
    """A connection that carries TLS, which gathers what it has to say before it writes."""

    def write(self, data: bytes) -> None:
        """See `write_now`."""
        self.write_now(data)


class CorkedCarrier(Carrier, Corked):
    """The same on a reactor that says when its turn ends."""
