"""What a process does when it is sent a signal. Twisted's own handlers make twistd end by the same signal again;
stopping as asked is no failure."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

# A terminal's Ctrl-C and the shell's own signal are one wish; a second one comes later, in seconds.
SAME_WISH = 1.0


class Signals:
    """SIGTERM and SIGINT: ``stop``, and by a second one ``hurry``. SIGHUP: ``reload``. None of them must raise."""

    def __init__(
        self, reactor: Any, *, stop: Callable[[], object], hurry: Callable[[], object], reload: Callable[[], object]
    ) -> None:
        self._reactor = reactor
        self._stop = stop
        self._hurry = hurry
        self._reload = reload
        self._asked: float | None = None

    def install(self) -> None:
        """Take them over from Twisted, whose reactor must be running."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._handle(number, self.asked)
        self._handle(signal.SIGHUP, self._reload)

    def asked(self) -> None:
        """We are to stop."""
        now = self._reactor.seconds()
        if self._asked is None:
            self._asked = now
            self._stop()
        elif now - self._asked >= SAME_WISH:
            self._hurry()

    def _handle(self, number: signal.Signals, what: Callable[[], object]) -> None:
        signal.signal(number, lambda *_: self._reactor.callFromThread(what))
