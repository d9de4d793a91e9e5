"""Timestamps as JavaScript writes them: ISO 8601, UTC, milliseconds, ``Z`` (CONTRACT "Events")."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from twisted.internet.interfaces import IReactorTime

from yekta.clocks import wall_clock


def iso(seconds: float) -> str:
    """``2026-01-31T09:05:02.123Z`` for POSIX ``seconds``."""
    whole = int(seconds)
    # The nearest microsecond, and the millisecond that it is of; as `datetime` has it.
    second, millisecond = divmod(whole * 1000 + round((seconds - whole) * 1e6) // 1000, 1000)
    return f"{_second(second)}.{millisecond:03}Z"


# Nearly all times that are written within a second are of that second, or of the one when what began in it will expire.
@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")


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
