"""A reader of event streams: feed bytes, get events.

Implements the parsing half of the WHATWG HTML standard, "Server-sent events", 9.2.5 and 9.2.6, with two
departures: lines and events have a size limit, and ``finish`` hands over a last event that no blank line
follows, since several model servers end their stream so. Knows nothing of HTTP, JSON or reconnecting.

Every byte is looked at a constant number of times, however the stream was cut into chunks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\r|\n")

# Bytes; no provider writes longer lines, and an endless one must not fill the memory.
LINE_LIMIT = 65_536


class ProtocolError(Exception):
    """The stream broke a limit. Its text holds nothing of the stream."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its ``data`` lines joined by ``\\n``, its type and the last id seen so far."""

    data: str = field(repr=False)
    type: str = "message"
    id: str = ""


class EventStream:
    """The events of one stream.

    ``line_limit`` bytes bound the longest line, ``event_limit`` bytes the data of one event; beyond them
    ``feed`` raises :class:`ProtocolError` and the stream must be dropped. ``retry`` is the reconnection time
    the server asked for, in milliseconds, or ``None``.
    """

    def __init__(self, line_limit: int = LINE_LIMIT, event_limit: int = 1_048_576) -> None:
        self.retry: int | None = None
        self._line_limit = line_limit
        self._event_limit = event_limit
        self._line = bytearray()
        self._first_line = True
        self._ended_in_cr = False
        self._id = ""
        self._clear_event()

    def feed(self, data: bytes) -> list[Event]:
        """The events that ``data`` completes."""
        if not data:
            return []
        if self._ended_in_cr:
            # The CR ended its line when it came; this LF only belongs to it.
            data = data.removeprefix(b"\n")
        self._ended_in_cr = data.endswith(b"\r")
        *ended, rest = _LINE_END.split(data)
        events = [event for part in ended if (event := self._line_ended(part)) is not None]
        self._extend_line(rest)
        return events

    def finish(self) -> list[Event]:
        """The stream is over: the event that was still open, if it has data."""
        return [event for part in (b"", b"") if (event := self._line_ended(part)) is not None]

    def _extend_line(self, part: bytes) -> None:
        self._line += part
        if len(self._line) > self._line_limit:
            raise ProtocolError(f"a line of the event stream is longer than {self._line_limit} bytes")

    def _line_ended(self, part: bytes) -> Event | None:
        self._extend_line(part)
        line = bytes(self._line)
        self._line.clear()
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        self._field(name, value.removeprefix(b" "))
        return None

    def _field(self, name: bytes, value: bytes) -> None:
        # A comment has the empty name; it and every unknown field are ignored, as the standard wants.
        match name:
            case b"data":
                self._add_data(value)
            case b"event":
                self._type = value.decode("utf-8", "replace")
            case b"id" if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
            case b"retry" if value.isdigit() and len(value) < 10:
                self.retry = int(value)

    def _add_data(self, value: bytes) -> None:
        self._size += len(value) + 1
        if self._size > self._event_limit:
            raise ProtocolError(f"an event of the stream is larger than {self._event_limit} bytes")
        self._data.append(value)

    def _dispatch(self) -> Event | None:
        data, kind = self._data, self._type
        self._clear_event()
        if not data:
            return None
        return Event(b"\n".join(data).decode("utf-8", "replace"), kind or "message", self._id)

    def _clear_event(self) -> None:
        self._data: list[bytes] = []
        self._size = 0
        self._type = ""
