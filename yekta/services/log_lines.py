"""The lines of one turn of the reactor, written together: each connection that ends has one, and a write for each would
be the largest part of what its leaving costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TextIO

from twisted.logger import FileLogObserver, LogEvent, LogLevel
from twisted.python.threadable import isInIOThread

from yekta.tcp import has_turns


class Lines(FileLogObserver):
    """As its base, where the reactor has no turns, does not run, or something worse is told than how things go."""

    def __init__(self, file: TextIO, write: Callable[[LogEvent], str | None], reactor: Any) -> None:
        super().__init__(file, write)
        self._reactor = reactor if has_turns(reactor) else None
        self._waiting: list[str] = []

    def __call__(self, event: LogEvent) -> None:
        line = self.formatEvent(event)
        if not line:
            return
        if self._reactor is None or not self._reactor.running or not isInIOThread():
            self._write(line)
            return
        if not self._waiting:
            self._reactor.corked.append(self)
        self._waiting.append(line)
        if event.get("log_level") is not LogLevel.info:
            self.uncork()

    def uncork(self) -> None:
        """Write what waits: at the end of the turn."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._write("".join(waiting))

    def _write(self, text: str) -> None:
        self._outFile.write(text)
        self._outFile.flush()
