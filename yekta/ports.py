"""Ports whose connections are those of `yekta.tcp`: they listen, accept and adopt as Twisted's do."""

from __future__ import annotations

import errno
import os
import socket
from functools import cached_property
from typing import Any, cast

from twisted.internet import tcp, unix
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.logger import ILogObserver, LogEvent, Logger
from twisted.python import log
from twisted.python.failure import Failure
from zope.interface import implementer

from yekta.seldom import Seldom
from yekta.tcp import Carrier, Connection, Corked, CorkedCarrier
from yekta.tls import wrapped
from yekta.turns import has_turns

# Thousands may come back at once after a restart; the kernel has its own bound, net.core.somaxconn.
BACKLOG = 4096


class _Listener(socket.socket):
    """A listening socket. Those that it accepts are `socket.SocketType`: what `socket.socket` adds serves nobody here,
    and takes longer than the system does."""

    def __init__(self, listening: socket.socket) -> None:
        """In place of ``listening``, which is over."""
        self._kind = int(listening.family), int(listening.type), listening.proto
        super().__init__(*self._kind, listening.detach())
        self.setblocking(False)

    def accept(self) -> tuple[Any, Any]:
        """As of any socket."""
        descriptor, address = self._accept()  # type: ignore[attr-defined]
        return socket.SocketType(*self._kind, descriptor), address


@implementer(ILogObserver)
class _Refusals:
    """Is told by Twisted of each connection that cannot be accepted, in three lines with its address: there may be
    thousands, and what an operator has to know is why."""

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._said = Seldom(clock)

    def __call__(self, event: LogEvent) -> None:
        # All that has no name is about this one.
        why = event.get("acceptError", "EMFILE")
        if self._said.is_due(why):
            self._log.warn("Connections are refused: {reason}", reason=os.strerror(getattr(errno, why)))


class _Accepting:
    """What all ports of ours have in common."""

    # Used by Twisted for what it says while it accepts, and for nothing else.
    _logger: Any = cached_property(lambda self: Logger(observer=_Refusals(self.reactor)))


class Port(_Accepting, tcp.Port):
    """A listening socket that makes :class:`Connection`, or :class:`Corked` where the reactor has turns."""

    transport: type[Connection] = Connection
    corked: type[Connection] = Corked

    def startListening(self) -> None:
        """Accepted sockets inherit TCP_NODELAY: each message is one write, and none waits for another."""
        super().startListening()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = _Listener(self.socket)
        self.fileno = self.socket.fileno  # type: ignore[method-assign]
        if has_turns(self.reactor):
            self.transport = self.corked


class SecurePort(Port):
    """A listening socket whose connections carry TLS."""

    transport = Carrier
    corked = CorkedCarrier
    # What Twisted says of it in the log.
    _type = "TLS"


class UnixPort(_Accepting, unix.Port):
    """A listening UNIX socket; its connections are Twisted's own."""


class AdoptedUnixPort(UnixPort):
    """A listening UNIX socket that somebody else has made, and goes on having.

    Twisted's would change the mode of its path, which may be root's, and how many may wait; at its end it would take
    the path away, and shut the socket for all.
    """

    factory: Any
    _preexistingSocket: Any
    _shouldShutdown = False

    def startListening(self) -> None:
        """Accept from now on."""
        tcp._reservedFD.reserve()
        self.socket, self._preexistingSocket = self._preexistingSocket, None
        log.msg(f"{self._getLogPrefix(self.factory)} starting on {self.socket.getsockname()!r}")
        self.fileno = self.socket.fileno  # type: ignore[method-assign]
        self.factory.doStart()
        self.connected = True
        self.numberAccepts = 100
        self.startReading()

    def connectionLost(self, reason: Failure) -> None:
        """Accept no more: whoever has made the socket may give it to the next one."""
        tcp.Port.connectionLost(self, reason)


class Listening:
    """A reactor as endpoints see it; those of TCP and TLS get a :class:`Port`."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> IListeningPort:
        """As the reactor's, with room for more clients that wait to be accepted than Twisted's 50."""
        return cast(IListeningPort, self._listen(Port, port, factory, backlog, interface))

    def listenSSL(
        self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> IListeningPort:
        """As the reactor's, with the same room."""
        factory = wrapped(factory, contextFactory, self._reactor)
        listening = self._listen(SecurePort, port, factory, backlog, interface)
        return cast(IListeningPort, listening)

    def _listen(self, kind: type[Port], port: int, factory: Any, backlog: int, interface: str) -> Port:
        listening = kind(port, factory, max(backlog, BACKLOG), interface, self._reactor)
        listening.startListening()
        return listening

    def listenUNIX(
        self, address: Any, factory: Any, backlog: int = 50, mode: int = 0o666, wantPID: int = 0
    ) -> IListeningPort:
        """As the reactor's."""
        listening = UnixPort(address, factory, backlog, mode, self._reactor, wantPID)
        listening.startListening()
        return cast(IListeningPort, listening)

    def carrying(self) -> Carrying:
        """The same, for connections that carry TLS inside something else."""
        return Carrying(self._reactor)

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: Any) -> IListeningPort:
        """As the reactor's."""
        listening: Any
        if addressFamily == socket.AF_UNIX:
            listening = AdoptedUnixPort._fromListeningDescriptor(self._reactor, fileDescriptor, factory)
        else:
            listening = Port._fromListeningDescriptor(self._reactor, fileDescriptor, addressFamily, factory)
        listening.startListening()
        return cast(IListeningPort, listening)

    def adoptStreamConnection(self, fileDescriptor: int, addressFamily: int, factory: Any) -> Any:
        """As the reactor's."""
        if addressFamily == socket.AF_UNIX:
            return self._reactor.adoptStreamConnection(fileDescriptor, addressFamily, factory)
        kind = Corked if has_turns(self._reactor) else Connection
        return kind._fromConnectedSocket(fileDescriptor, addressFamily, factory, self._reactor)


class Carrying(Listening):
    """Whose connections of TCP carry TLS, as whoever listens sees to."""

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> IListeningPort:
        """As any `Listening`."""
        return cast(IListeningPort, self._listen(SecurePort, port, factory, backlog, interface))


def reason_of(error: Any) -> str:
    """Why one cannot listen, in the system's words."""
    reason = getattr(error, "socketError", None) or error
    return str(getattr(reason, "strerror", None) or reason)
