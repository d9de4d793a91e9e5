"""Where the processes of one database meet: ``FOLDER/DATABASE/TAG``, a UNIX socket for each."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import CannotListenError, ConnectionRefusedError
from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from yekta import stale_sockets
from yekta.ports import reason_of

# Seconds to connect; a process of the same machine has done so at once, or is stuck.
_PATIENCE = 2

# Connections that may wait while a process is busy.
_BACKLOG = 128

# Processes that are asked at the most.
MOST = 64


class Unusable(Exception):
    """The folder cannot be used. One sentence's end for the operator."""


class Place:
    """``folder`` is made where it is not there; ``database`` names the one that its processes share.

    ``tag`` is this process's name.
    """

    def __init__(
        self, reactor: Any, folder: Path, database: str, tag: str, wall: Callable[[], float] = time.time
    ) -> None:
        self.tag = tag
        self._reactor = reactor
        self._wall = wall
        self._folder = folder
        self._own = folder / database
        self._port: Any = None

    def open(self, factory: IProtocolFactory) -> None:
        """Let others in. Raises `Unusable`."""
        make_private(self._folder)
        # Nobody else takes them away where no answers are asked for.
        stale_sockets.sweep(self._own)
        try:
            self._listen(factory)
        except (CannotListenError, OSError) as error:
            raise Unusable(f"({self._folder}) cannot be used: {reason_of(error)}.") from None

    def names(self) -> list[str]:
        """The tags of all other processes, in their order; of some that are no more, too."""
        try:
            names = os.listdir(self._own)
        except OSError:
            return []
        return sorted(name for name in names if name != self.tag)[:MOST]

    def connect(self, name: str, protocol: IProtocol) -> Deferred[Any]:
        """Reach the process ``name``."""
        path = self._own / name
        endpoint = UNIXClientEndpoint(self._reactor, str(path), timeout=_PATIENCE)
        connected: Deferred[Any] = endpoint.connect(_Quiet(protocol))
        return connected.addErrback(self._refused, path)

    def close(self) -> Deferred[None]:
        """Let nobody in any more; those who are in stay."""
        # Where somebody else has taken the socket away already, Twisted would never come to an end of it.
        with suppress(OSError):
            self._folder.mkdir(0o700, exist_ok=True)
            self._own.mkdir(0o700, exist_ok=True)
            (self._own / self.tag).touch(0o600)
        stopped: Deferred[None] = maybeDeferred(self._port.stopListening)
        return stopped.addCallback(lambda _: self._leave())

    def _listen(self, factory: IProtocolFactory) -> None:
        # The last one to leave takes the folder away, maybe just now.
        for attempt in range(10):
            self._own.mkdir(0o700, exist_ok=True)
            try:
                self._port = self._reactor.listenUNIX(str(self._own / self.tag), factory, _BACKLOG, mode=0o600)
            except CannotListenError as error:
                if attempt == 9 or not isinstance(error.socketError, FileNotFoundError):
                    raise
            else:
                return

    def _leave(self) -> None:
        with suppress(OSError):
            self._own.rmdir()

    def _refused(self, failure: Failure, path: Path) -> Failure:
        # Its process has ended without a word, unless it is only about to listen.
        if failure.check(ConnectionRefusedError):
            stale_sockets.take_away(path, self._wall())
        return failure


class _Quiet(Factory):
    """For one connection, of which nothing is logged: there are some for each question to the AI."""

    noisy = False

    def __init__(self, protocol: IProtocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: IAddress | None) -> Any:
        return self._protocol


def make_private(folder: Path) -> None:
    """See to it that ``folder`` is there, and its user's alone. Raises `Unusable`."""
    try:
        with suppress(FileExistsError):
            folder.mkdir(0o700)
        found = folder.lstat()
    except OSError as error:
        raise Unusable(f"({folder}) cannot be used: {error.strerror}.") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise Unusable(f"must be a folder that only its user may enter, not {str(folder)!r}.")
