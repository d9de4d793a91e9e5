"""TLS as Twisted serves it, without waiting twice for the reactor's next turn, and without asking OpenSSL in vain.

Twisted gathers what is written to a TLS connection until the next turn, and then hands the records to TCP, which waits
for the turn after that. What is gathered here already (`yekta.websocket.outgoing`) is better encrypted at once, and
sent at once (`yekta.tcp.Carrier`). And it asks OpenSSL for more until there is nothing, which costs as much as all the
rest of what it does for a message: here it is known how many records have arrived. Handshakes, producers, closing and
everything else stay Twisted's own, whichever way OpenSSL is called (`yekta.tls_connection`).
"""

from __future__ import annotations

from typing import Any, cast

from OpenSSL.SSL import Error, WantReadError, ZeroReturnError
from twisted.internet.interfaces import IAddress
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure

from yekta.tls_connection import ITlsContext

# Of a record, in bytes: what comes before its length and the rest, and the most that it holds (RFC 8446, 5.1).
_HEADER, _MOST = 5, 1 << 14
# OpenSSL is given so many bytes at a time, and reads the records that end in them before it gets more: what it has had
# room for once, it keeps as long as the connection lasts.
_PIECE = 1 << 12


class Records:
    """Counts the records of one direction of a connection, which may arrive in any pieces."""

    __slots__ = ("_begun", "_missing")

    def __init__(self) -> None:
        # Of the record that has begun: its header, as far as only that has; else how many bytes have not come.
        self._begun = b""
        self._missing = 0

    def ending_in(self, data: bytes) -> int:
        """How many records end in ``data``, which is what comes next."""
        if self._begun:
            data, self._begun = self._begun + data, b""
        end, size = self._missing, len(data)
        ended = int(0 < end <= size)
        while end < size:
            if size - end < _HEADER:
                self._begun, end = data[end:], size
                break
            end += _HEADER + (data[end + 3] << 8 | data[end + 4])
            ended += end <= size
        self._missing = end - size
        return ended


class TlsTransport(BufferingTLSTransport):
    """The transport of one protocol over TLS."""

    transport: Any
    # A lost connection waits for the client's goodbye, even where all is sent.
    unsent = True
    # Records that have arrived and were not asked for.
    _ended = 0

    def makeConnection(self, transport: Any) -> None:
        """As Twisted's."""
        self._records = Records()
        super().makeConnection(transport)

    def dataReceived(self, data: bytes) -> None:
        """As Twisted's."""
        if len(data) > _PIECE:
            for start in range(0, len(data), _PIECE):
                if not self._lostTLSConnection:
                    self.dataReceived(data[start : start + _PIECE])
            return
        self._ended = self._records.ending_in(data)
        if self._ended or not self._handshakeDone:
            super().dataReceived(data)
        else:
            # The middle of a long one.
            self._tlsConnection.bio_write(data)

    def _flushReceiveBIO(self) -> None:
        """As Twisted's. Each record has at most one piece of data; those that have none are for OpenSSL to answer."""
        if not self._ended:
            super()._flushReceiveBIO()
            return
        while self._ended and not self._lostTLSConnection:
            self._ended -= 1
            try:
                data = self._tlsConnection.recv(_MOST)
            except WantReadError:
                self._ended = 0
                self._flushSendBIO()
            except ZeroReturnError:
                self._shutdownTLS()
                self._tlsShutdownFinished(None)
            except Error:
                self._tlsShutdownFinished(Failure())
            else:
                if not self._aborted:
                    ProtocolWrapper.dataReceived(self, data)

    def write_now(self, data: bytes) -> None:
        """As `write`, but what TCP takes at once is gone when this returns."""
        self._aggregator.flush()
        if self.disconnecting and self._producer is None:
            return
        if not self._handshakeDone or self._lostTLSConnection or self._appSendBuffer:
            self._write(data)
            return
        done, records = 0, []
        try:
            while done < len(data):
                done += self._tlsConnection.send(data[done : done + _MOST])
                records.append(self._tlsConnection.bio_read(2 * _MOST))
        except Error:
            # Whoever writes the rest meets it again, and does what is to be done.
            pass
        # Together: Twisted's way, each of a long message's is sent by itself.
        self.transport.write(b"".join(records))
        if done < len(data):
            self._write(data[done:])

    def loseWriteConnection(self) -> None:
        """Say goodbye, and go on to read. To the client, an end of TCP's without it would be a cut."""
        self._aggregator.flush()
        self._shutdownTLS()


class TlsFactory(TLSMemoryBIOFactory):
    """Of `TlsTransport`."""

    protocol = TlsTransport

    def __init__(self, context: Any, factory: Any, clock: Any) -> None:
        if not ITlsContext.providedBy(context):
            super().__init__(context, False, factory, clock)
            return
        WrappingFactory.__init__(cast(Any, self), factory)
        self._clock = clock
        connect: Any = lambda protocol: context.connection()  # noqa: E731
        # Which of the two is called depends on Twisted's version.
        self._creatorCallable = self._createConnection = connect

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """As Twisted's, which makes a protocol around none where the connection is one too many: it stays for ever."""
        protocol = self.wrappedFactory.buildProtocol(addr)
        return None if protocol is None else self.protocol(self, protocol)


def wrapped(factory: Any, context: Any, clock: Any) -> TlsFactory:
    """``factory``, for a port whose connections are TLS; ``context`` makes them: an `ITlsContext`, or whatever
    `TLSMemoryBIOFactory` takes."""
    return TlsFactory(context, factory, clock)
