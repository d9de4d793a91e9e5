"""A connection that changes hands, with the request that has begun on it: to another process of ours on this machine.

Each process has a name, and takes connections at a UNIX socket of that name in a folder that only we may enter. Who
gives one connects, sends the descriptor (SCM_RIGHTS, unix(7)) and all that was read so far, and hangs up::

    4 bytes: length   the bytes of the request so far

Beside its socket lies ``NAME.open`` for as long as a process lets people in: who has begun to leave gives newcomers
that use an old connection to one of those. What cannot be given is served where it is. What a process has left that
was killed, the next one that comes takes away. Knows no HTTP: a :class:`~yekta.web.site.Site` asks `route`.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IAddress, IFileDescriptorReceiver, IProtocolFactory
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from yekta import stale_sockets

# Gives a descriptor and the bytes that were read from it; false where nobody takes them.
Give = Callable[[int, bytes], bool]

_LENGTH = struct.Struct("!I")

# More than a head and one chunk of data are never given.
MAX_BYTES = 1 << 18

# How many connections may wait to be taken: while their process starts again, for example.
_BACKLOG = 1024


class Handover(Service):
    """``name`` is ours, in ``folder``; connections that are given to us begin at ``site``.

    ``name_of`` finds the name of a process in a request's target; ``is_new`` is whether it is a newcomer's.
    """

    def __init__(
        self,
        reactor: Any,
        folder: Path,
        name: str,
        name_of: Callable[[bytes], str | None],
        is_new: Callable[[bytes], bool],
        site: IProtocolFactory,
    ) -> None:
        self._reactor = reactor
        self._folder = folder
        self._own_name = name
        self._name_of = name_of
        self._is_new = is_new
        self._leaving = False
        self._site = site
        self._port: Any = None

    def privilegedStartService(self) -> None:
        """Take connections from now on. Raises `CannotListenError`."""
        for name in stale_sockets.sweep(self._folder):
            self._mark(name).unlink(missing_ok=True)
        path = str(self._folder / self._own_name)
        self._port = self._reactor.listenUNIX(path, _Taking(self.take), _BACKLOG, mode=0o600)
        self._mark(self._own_name).touch(0o600)

    def leave(self) -> None:
        """Take only what belongs here; newcomers go elsewhere."""
        self._leaving = True
        self._mark(self._own_name).unlink(missing_ok=True)

    def stopService(self) -> Deferred[None]:
        """Take none any more."""
        self.leave()
        super().stopService()
        stopped: Deferred[None] = maybeDeferred(self._port.stopListening)
        return stopped

    def route(self, target: bytes) -> Give | None:
        """To whom a connection goes that brings a request for ``target``; ``None``: it stays here."""
        if self._leaving and self._is_new(target):
            marks = list(self._folder.glob(self._mark("*").name))
            return partial(self._give_to_anybody, marks) if marks else None
        name = self._name_of(target)
        if name is None or name == self._own_name:
            return None
        return partial(self._give_to, name)

    def _give_to_anybody(self, marks: list[Path], descriptor: int, data: bytes) -> bool:
        return any(self._give_to(mark.stem, descriptor, data) for mark in marks)

    def _give_to(self, name: str, descriptor: int, data: bytes) -> bool:
        try:
            return _give(self._folder / name, descriptor, data)
        except (ConnectionRefusedError, FileNotFoundError):
            # Nobody listens: whoever had the name has crashed, or it would have taken its mark away.
            self._mark(name).unlink(missing_ok=True)
        except OSError:
            # It is too busy to take one more.
            pass
        return False

    def _mark(self, name: str) -> Path:
        return self._folder / f"{name}.open"

    def take(self, descriptor: int, data: bytes) -> None:
        """Go on with a connection of another process, which has read ``data``."""
        taken = socket.socket(fileno=descriptor)
        # The client may have gone meanwhile.
        with taken, suppress(OSError):
            transport = self._reactor.adoptStreamConnection(taken.fileno(), taken.family, self._site)
            if transport is not None:
                transport.protocol.dataReceived(data)


def _give(path: Path, descriptor: int, data: bytes) -> bool:
    """Raises `OSError` where nobody listens, or too many wait."""
    message = _LENGTH.pack(len(data)) + data
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as giving:
        giving.setblocking(False)
        giving.connect(str(path))
        # Part of it is as good as nothing: the other side drops it.
        return socket.send_fds(giving, [message], [descriptor]) == len(message)


class _Taking(Factory):
    """Whoever gives us a connection makes one of its own to say so."""

    noisy = False

    def __init__(self, take: Callable[[int, bytes], None]) -> None:
        self.take = take

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        return _Taker(self.take)


@implementer(IFileDescriptorReceiver)
class _Taker(Protocol):
    """One connection that is being given."""

    def __init__(self, take: Callable[[int, bytes], None]) -> None:
        self._take = take
        self._descriptor: int | None = None
        self._data = b""

    def fileDescriptorReceived(self, descriptor: int) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = descriptor

    def dataReceived(self, data: bytes) -> None:
        self._data += data
        if len(self._data) > MAX_BYTES and self.transport is not None:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        data = self._data[_LENGTH.size :]
        if self._data[: _LENGTH.size] == _LENGTH.pack(len(data)):
            self._take(descriptor, data)
        else:
            os.close(descriptor)
