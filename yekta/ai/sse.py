"""A reader of event streams: feed bytes, get what their events say.

Implements the parsing half of the WHATWG HTML standard, "Server-sent events", 9.2.5 and 9.2.6, with three
departures: lines and events have a size limit; ``finish`` hands over a last event that no blank line follows,
since several model servers end their stream so; and of an event only its data is told, as there is one type of
them, and nobody reconnects. Knows nothing of HTTP or JSON.

Every byte is looked at a constant number of times, however the stream was cut into chunks.
"""

from __future__ import annotations

import re

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\r|\n")

# Bytes; no provider writes longer lines, and an endless one must not fill the memory.
LINE_LIMIT = 65_536


class ProtocolError(Exception):
    """The stream broke a limit. Its text holds nothing of the stream."""


class EventStream:
    """The events of one stream.

    ``line_limit`` bytes bound the longest line, ``event_limit`` bytes the data of one event; beyond them
    :class:`ProtocolError` is raised and the stream must be dropped.
    """

    def __init__(self, line_limit: int = LINE_LIMIT, event_limit: int = 1_048_576) -> None:
        self._line_limit = line_limit
        self._event_limit = event_limit
        self._line = bytearray()
        self._first_line = True
        self._ended_in_cr = False
        self._clear_event()

    def feed(self, data: bytes) -> list[str]:
        """The data of each event that ``data`` completes: its lines, joined by line feeds."""
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

    def finish(self) -> list[str]:
        """The stream is over: the data of the event that was still open, if it has any."""
        return [event for part in (b"", b"") if (event := self._line_ended(part)) is not None]

    def _extend_line(self, part: bytes) -> None:
        self._line += part
        if len(self._line) > self._line_limit:
            raise ProtocolError(f"a line of the event stream is longer than {self._line_limit} bytes")

    def _line_ended(self, part: bytes) -> str | None:
        self._extend_line(part)
        line = bytes(self._line)
        self._line.clear()
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        # Other fields, and comments, whose name is empty, say nothing to us.
        name, _, value = line.partition(b":")
        if name == b"data":
            self._add_data(value.removeprefix(b" "))
        return None

    def _add_data(self, value: bytes) -> None:
        self._size += len(value) + 1
        if self._size > self._event_limit:
            raise ProtocolError(f"an event of the stream is larger than {self._event_limit} bytes")
        self._data.append(value)

    def _dispatch(self) -> str | None:
        data = self._data
        self._clear_event()
        return b"\n".join(data).decode("utf-8", "replace") if data else None

    def _clear_event(self) -> None:
        self._data: list[bytes] = []
        self._size = 0
