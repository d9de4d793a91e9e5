"""An operator's way in (`ways`) that may come late. Clients are served whether it is open or not.

    start ──nobody else has it──▶ open
    start ──another process has it──▶ waiting, for that to end ──▶ open
    start ──it can never be opened──▶ the error is the caller's

So a process takes the place of another that drains, and gets its ways in when that has gone.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from yekta import stale_sockets
from yekta.alarm import Alarm
from yekta.ports import reason_of

# Seconds between two attempts: the other process may be gone at any time, and one costs next to nothing.
PAUSE = 1.0


class Late(Service):
    """``port`` listens; ``name`` says in the log which setting it is by. ``is_ours``: whether this process has a port
    or path already, by another setting: that never ends.
    """

    _log = Logger()

    def __init__(
        self,
        port: StreamServerEndpointService,
        name: str,
        clock: IReactorTime,
        *,
        is_ours: Callable[[int | bytes], bool],
    ) -> None:
        self._port = port
        self._name = name
        self._is_ours = is_ours
        self._clock = clock
        self._again = Alarm(clock, self._try_again)
        # What was said last of why it waits.
        self._reason = ""
        # The lock of a UNIX socket that another process has.
        self._lock = b""
        # When it was asked whether it still listens there.
        self._asked = clock.seconds()

    def privilegedStartService(self) -> None:
        """Listen, now or as soon as nobody else does. Raises what the port does where waiting does not help."""
        try:
            self._port.privilegedStartService()
        except CannotListenError as error:
            if not _is_taken(error) or self._is_ours(error.port):
                raise
            if isinstance(error.port, bytes):
                self._lock = error.port + b".lock"
            self._wait(error)

    def startService(self) -> None:
        super().startService()
        self._port.startService()

    def stopService(self) -> Deferred[None]:
        """Fires when nothing listens any more."""
        super().stopService()
        self._again.clear()
        stopped: Deferred[None] = self._port.stopService()
        return stopped

    def _try_again(self) -> None:
        # Not even tried where it is in vain: Twisted has a line in the log for each attempt at a UNIX socket.
        if self._lock and _is_held(self._lock) and not self._is_stale():
            self._again.set(PAUSE)
            return
        try:
            self._port.privilegedStartService()
        except (CannotListenError, OSError) as error:
            self._wait(error)
        else:
            self._log.info("{name} is open now", name=self._name)

    def _is_stale(self) -> bool:
        # Whoever listens there is asked, and so not each time.
        now = self._clock.seconds()
        if now - self._asked < stale_sockets.GRACE:
            return False
        self._asked = now
        return stale_sockets.release(Path(os.fsdecode(self._lock.removesuffix(b".lock"))), time.time())

    def _wait(self, error: Exception) -> None:
        reason = "another process has it" if _is_taken(error) else reason_of(error)
        if reason != self._reason:
            self._reason = reason
            self._log.warn("{name} is not open: {reason}. It is tried again", name=self._name, reason=reason)
        self._again.set(PAUSE)


def _is_taken(error: Exception) -> bool:
    """Whether another process has it. At the path of a UNIX socket, that is told by the lock alone."""
    if not isinstance(error, CannotListenError):
        return False
    if isinstance(error.port, bytes):
        return not isinstance(error.socketError, OSError)
    return getattr(error.socketError, "errno", None) == errno.EADDRINUSE


def _is_held(lock: bytes) -> bool:
    """Whether the process that a lock of Twisted's names is alive. Who takes its place is left to Twisted."""
    try:
        holder = int(os.readlink(lock))
        os.kill(holder, 0)
    except (OSError, ValueError):
        return False
    return holder > 0
