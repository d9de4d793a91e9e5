"""Where start-up cannot go on, it ends with one sentence."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

from twisted.internet.error import ReactorNotRunning
from twisted.logger import globalLogPublisher


class Refused(SystemExit, Exception):
    """Start-up ends. Where a daemon's does by anything but an `Exception`, twistd leaves its terminal waiting."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.code = 1


def refuse(service: str, sentence: str) -> NoReturn:
    """End start-up with one sentence and a status that says so."""
    text = f"{service}: {sentence}"
    _say(text)
    raise Refused(text)


def give_up(reactor: Any, service: str, sentence: str) -> None:
    """The same for a start-up that has come as far as the reactor, which comes to its end in order."""
    _say(f"{service}: {sentence}")
    # Neither the reactor nor twistd lets an exception through.
    atexit.register(_end)
    with suppress(ReactorNotRunning):
        reactor.stop()


def _say(text: str) -> None:
    # Where a log has taken the place of standard error, whoever started us reads the real one, and perhaps the log.
    streams = {sys.stderr} if _shows_the_log(sys.__stderr__) else {sys.stderr, sys.__stderr__}
    for stream in streams - {None}:
        print(text, file=stream, flush=True)


def _shows_the_log(stream: Any) -> bool:
    """Whether ``stream`` goes where the log is written to standard output: a terminal, or systemd's journal."""
    out = sys.__stdout__
    try:
        # The publisher keeps its observers to itself, and they their files.
        logs = [getattr(observer, "_outFile", None) for observer in globalLogPublisher._observers]
        return out in logs and out is not None and os.path.sameopenfile(out.fileno(), stream.fileno())
    except (AttributeError, OSError, ValueError):
        return False


def _end() -> None:
    if sys.__stdout__ is not None:
        sys.__stdout__.flush()
    os._exit(1)
