"""How a process is doing, told to whoever has started it: systemd (sd_notify(3)), or the parent of a worker.

Where nobody wants to know, nobody is told.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

# What systemd leaves in the environment of a process that it has started (sd_notify(3), sd_watchdog_enabled(3)).
_SOCKET, _EVERY, _WHO = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"


class Herald:
    """``tell`` carries one message. ``silence``: seconds after which we count as stuck, 0 for never.

    Once the end has begun, no start and no reload is told of any more: systemd would take us for one that goes on.
    """

    def __init__(self, clock: IReactorTime, tell: Callable[[str], object], silence: float = 0.0) -> None:
        self.silence = silence
        self.is_ready = False
        self._is_stopping = False
        self._tell = tell
        self._living = LoopingCall(tell, "WATCHDOG=1")
        self._living.clock = clock

    def ready(self) -> None:
        """Requests are served, and settings are as they are meant to be."""
        if self._is_stopping:
            return
        self.is_ready = True
        self._tell("READY=1")
        if self.silence and not self._living.running:
            self._living.start(self.silence / 2)

    def reloading(self) -> None:
        """Settings are being read again; `ready` ends it."""
        if not self._is_stopping:
            self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The end has begun. It may take a while, so the sign of life goes on."""
        self._is_stopping = True
        self._tell("STOPPING=1")

    def silent(self) -> None:
        """Give no more signs of life."""
        if self._living.running:
            self._living.stop()


def systemd(clock: IReactorTime, environment: MutableMapping[str, str]) -> Herald:
    """A herald to systemd, if ``environment`` says that it listens. No child of ours shall speak in our name: what
    says so is taken out."""
    address = environment.pop(_SOCKET, "")
    every, who = environment.pop(_EVERY, "0"), environment.pop(_WHO, str(os.getpid()))
    if not address:
        return Herald(clock, _nobody_listens)
    # A name that begins with @ is in Linux's abstract namespace (unix(7)).
    path = "\0" + address[1:] if address.startswith("@") else address
    usec = int(every) if every.isdigit() and who == str(os.getpid()) else 0
    return Herald(clock, lambda message: _send(path, message), usec / 1e6)


def _send(path: str, message: str) -> None:
    # A message that is lost is no reason to fail; the next sign of life comes soon.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.setblocking(False)
        notify.sendto(message.encode(), path)


def _nobody_listens(message: str) -> None:
    """Started by hand."""
