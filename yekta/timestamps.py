"""Timestamps as JavaScript writes them: ISO 8601, UTC, milliseconds, ``Z`` (CONTRACT "Events")."""

from __future__ import annotations

from datetime import UTC, datetime

from twisted.internet.interfaces import IReactorTime

from yekta.clocks import wall_clock


def iso(seconds: float) -> str:
    """``2026-01-31T09:05:02.123Z`` for POSIX ``seconds``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Timestamps:
    """The time now, written once for each millisecond: writing it costs as much as the rest of a reply."""

    __slots__ = ("_millisecond", "_seconds", "_text")

    def __init__(self, clock: IReactorTime) -> None:
        self._seconds = wall_clock(clock)
        self._millisecond = -1
        self._text = ""

    def now(self) -> str:
        """See :func:`iso`."""
        millisecond = int(self._seconds() * 1000)
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            self._text = iso(millisecond / 1000)
        return self._text
