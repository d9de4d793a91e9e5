"""The lines of one turn of the reactor, written together: each connection that ends has one, and a write for each would
be the largest part of what its leaving costs."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any, TextIO

from twisted.logger import FileLogObserver, LogEvent, LogLevel
from twisted.python import threadable

from yekta.turns import EndOfTurn


class Lines(FileLogObserver):
    """As its base, where the reactor has no turns, does not run, or something worse is told than how things go."""

    def __init__(self, file: TextIO, write: Callable[[LogEvent], str | None], reactor: Any) -> None:
        super().__init__(file, write)
        self._turn = EndOfTurn(reactor, self._write)

    def __call__(self, event: LogEvent) -> None:
        line = self.formatEvent(event)
        if not line:
            return
        # As `threadable.isInIOThread`, which makes four calls of it.
        if get_ident() != threadable.ioThread:
            self._write([line])
            return
        self._turn.add(line)
        if event.get("log_level") is not LogLevel.info:
            self._turn.uncork()

    def _write(self, lines: list[str]) -> None:
        text = "".join(lines)
        try:
            self._outFile.write(text)
        except UnicodeEncodeError as error:
            # A path may have any bytes, a terminal its country's letters only: no other line shall go with this one.
            # The error calls the encodings of many countries by one name, which is none of them.
            encoding = getattr(self._outFile, "encoding", error.encoding)
            self._outFile.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._outFile.flush()
