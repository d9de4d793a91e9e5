"""How the log is written: text, JSON lines or what systemd's journal reads, wherever twistd was told to write.

Under twistd the file is opened here, so that it can be reopened when somebody has moved it; ``--logger`` and
``--syslog`` keep their own writers, which get JSON as the event's text. ``python -m twisted`` has a writer of its
own, which an explicit format replaces. Every one of them stands behind the `Redactor`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any

from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    eventAsJSON,
    eventAsText,
    formatEventAsClassicLogText,
    formatTime,
    globalLogPublisher,
    jsonFileLogObserver,
    textFileLogObserver,
)
from twisted.python import usage
from twisted.python.components import Componentized
from twisted.python.logfile import LogFile
from zope.interface import implementer

from yekta import jsontext
from yekta.services import plain_events
from yekta.services.log_lines import Lines

TEXT, JSON, JOURNAL = "text", "json", "journal"

# How grave each level is, as sd-daemon(3) and syslog(3) count.
_PRIORITIES = {LogLevel.debug: 7, LogLevel.info: 6, LogLevel.warn: 4, LogLevel.error: 3, LogLevel.critical: 2}

# Where twistd writes as a daemon, unless it was told.
_DEFAULT_FILE = "twistd.log"

_ENVELOPE = frozenset(("log_level", "log_namespace", "log_time"))
_FIELDS_OF_LOGGER = ("log_", "format", "message", "time", "isError", "system", "failure", "why")


class Logs:
    """The log of this process. ``observer``: to be given to twistd's application, where it is ours to choose."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.observer: Lines | None = None
        self._file: LogFile | None = None

    def begin(self, format: str, runner: usage.Options | None) -> None:
        """Before the runner opens its log: ``runner`` are its options. May raise `OSError`."""
        if runner is None:
            return
        if "fileLogObserverFactory" in runner or "logLevel" in runner:
            write = writer(format) if format else _AS_TWISTED.get(runner.get("fileLogObserverFactory"))
            if write is not None:
                runner["fileLogObserverFactory"] = lambda file: Lines(file, write, self._reactor)
        elif runner.get("logger") or runner.get("syslog"):
            if format == JSON:
                globalLogPublisher.addObserver(JsonText())
        else:
            self.observer = Lines(self._open(runner), writer(format or TEXT), self._reactor)

    def write_for(self, parent: Any) -> None:
        """twistd asks its application, ``parent``, for an observer before it makes its own."""
        if self.observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self.observer)

    def reopen(self) -> None:
        """The log's files have been moved: go on in new ones of their names, also in one that ``--logger`` opened.

        Raises `OSError` where one cannot be opened; it goes on where it was.
        """
        files = [self._file]
        # The publisher keeps its observers to itself, and they their files.
        files += [getattr(observer, "_outFile", None) for observer in globalLogPublisher._observers]
        for file in {id(file): file for file in files if isinstance(file, LogFile)}.values():
            _reopen(file)

    def _open(self, runner: usage.Options) -> Any:
        name = runner.get("logfile")
        if name == "-" or (not name and runner.get("nodaemon")):
            return sys.stdout
        self._file = file = LogFile.fromFullPath(name or _DEFAULT_FILE)
        if not signal.getsignal(signal.SIGUSR1):
            # As twistd does, where it opens the file by itself.
            signal.signal(signal.SIGUSR1, lambda *_: self._reactor.callFromThread(file.rotate))
        return file


def _reopen(file: LogFile) -> None:
    # Twisted's own closes the file first, and where there is no new one, that was the end of the log.
    old = file._file
    file._openFile()
    old.close()


def writer(format: str) -> Callable[[LogEvent], str | None]:
    """What makes a line of an event, in ``format``."""
    return {JSON: _json_line, JOURNAL: _journal_lines}.get(format, _text_line)


def as_json(event: LogEvent) -> str:
    """One line: when, how grave, whose, what in words, and the event's own plain values."""
    level = event.get("log_level")
    said: dict[str, Any] = {
        "time": formatTime(event.get("log_time")),
        "level": getattr(level, "name", "info"),
        "system": event.get("log_namespace", "-"),
        "text": plain_events.words(event) or eventAsText(event, includeTimestamp=False, includeSystem=False),
    }
    for name, value in event.items():
        if isinstance(value, str | int | float) and not name.startswith(_FIELDS_OF_LOGGER):
            said.setdefault(name, value)
    return jsontext.encode(said, str)


@implementer(ILogObserver)
class JsonText:
    """Makes JSON the text of each event, for a writer that is not ours."""

    def __call__(self, event: LogEvent) -> None:
        line = as_json(event)
        for name in [name for name in event if name not in _ENVELOPE]:
            del event[name]
        event.update(log_format="{line}", line=line)


def _json_line(event: LogEvent) -> str:
    return as_json(event) + "\n"


def _text_line(event: LogEvent) -> str | None:
    return plain_events.line(event) or formatEventAsClassicLogText(event)


def _journal_lines(event: LogEvent) -> str | None:
    """Without the time, which the journal has by itself; each line with its priority, those of a traceback too."""
    text = _text_line(event)
    if not text:
        return text
    priority = f"<{_PRIORITIES.get(event.get('log_level'), 6)}>"
    return priority + text.partition(" ")[2].rstrip().replace("\n", f"\n{priority}") + "\n"


def _record(event: LogEvent) -> str:
    """What `twisted.logger.jsonFileLogObserver` writes, to be read by `twisted.logger.eventsFromJSONLogFile`."""
    return f"\x1e{plain_events.record(event) or eventAsJSON(event)}\n"


# The writers of ``python -m twisted``, and ours that write the same.
_AS_TWISTED: dict[Any, Callable[[LogEvent], str | None]] = {
    textFileLogObserver: _text_line,
    jsonFileLogObserver: _record,
}
