"""Log events that hold nothing but text and numbers, as nearly all of ours do: their words and their line, cheaply.

Twisted parses the format of every event, and formats its time, in Python. What is said here is what it would say; an
event of any other kind is left to it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from string import Formatter

from twisted.logger import LogEvent, LogLevel, eventAsJSON, formatTime

from yekta import jsontext

# What the logger itself sets, and no client can.
ENVELOPE = frozenset(("log_level", "log_logger", "log_namespace", "log_source", "log_time", "time", "isError"))

# A field that no event has: stands for a format that asks for more than fields.
_MORE = frozenset(("",))

# As `twisted.logger.eventAsJSON` has them.
_LEVELS = {level: json.loads(eventAsJSON({"log_level": level}))["log_level"] for level in LogLevel.iterconstants()}

_SIMPLE = frozenset((str, int, float, bool, type(None)))


def _form(event: LogEvent) -> str | None:
    """The format of an ``event`` that holds text and numbers alone, and says nothing by other means."""
    for name, value in event.items():
        if type(value) not in _SIMPLE and name not in ENVELOPE:
            return None
    form = event.get("log_format")
    return None if type(form) is not str or "log_text" in event or "log_system" in event else form


def words(event: LogEvent) -> str | None:
    """What a plain ``event`` says; ``None`` where it is not plain."""
    form = _form(event)
    if form is None:
        return None
    try:
        return form.format_map(event)
    except Exception:
        # A call in it, which only Twisted understands; or one that cannot be formatted.
        return None


def line(event: LogEvent) -> str | None:
    """A plain ``event`` as `twisted.logger.formatEventAsClassicLogText` has it."""
    said = words(event)
    if not said:
        return None
    try:
        time, system, level = _time(int(event["log_time"])), event["log_namespace"], event["log_level"].name
    except (KeyError, TypeError, AttributeError):
        return None
    text = said.replace("\n", "\n\t")
    return f"{time} [{system}#{level}] {text}\n"


def record(event: LogEvent) -> str | None:
    """A plain ``event`` as `twisted.logger.eventFromJSON` reads it: the line of `twisted.logger.eventAsJSON`, without
    what only says how a format was taken apart, and that a logger cannot be written down."""
    form = _form(event)
    if form is None or not (_names(form) <= event.keys() or words(event) is not None):
        return None
    try:
        kept = {**event, "log_level": _LEVELS[event.get("log_level")]}
        kept.pop("log_logger", None)
        kept.pop("log_source", None)
        return jsontext.encode(kept)
    except (KeyError, ValueError):
        return None


@lru_cache(maxsize=256)
def _names(form: str) -> frozenset[str]:
    """The fields that a format asks for; of one that asks for more than fields, something that no event has."""
    try:
        asked = [(name, more, how) for _, name, more, how in Formatter().parse(form) if name is not None]
    except ValueError:
        return _MORE
    plain = all(name.isidentifier() and not more and how is None for name, more, how in asked)
    return frozenset(name for name, _, _ in asked) if plain else _MORE


@lru_cache(maxsize=2)
def _time(second: int) -> str:
    return formatTime(float(second))
