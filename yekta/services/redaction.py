"""The last line of defence of every log: whatever looks like a token is taken out of each event before it is written.

An observer that stands first and changes the event itself, as `twisted.logger.LegacyLogObserverWrapper` does, so that
it serves whichever observer twistd was told to use. Nothing of ours logs a token; this is for what others might.
"""

from __future__ import annotations

import re
from typing import Any

from twisted.logger import ILogObserver, LogEvent, eventAsText, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from yekta.app import visits
from yekta.services.plain_events import ENVELOPE, words

_REDACTED = "[redacted]"

# A session's token as CONTRACT "Authentication" has it; `token=` and `"token": "…"`; and RFC 6750, 2.1.
_SECRET = re.compile(
    r"""(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])
    |(?<=token=)[^\s&'"<>]+
    |(?<=token%3D)[^\s&'"<>]+
    |(?<=token":")[^"]+ |(?<=token":\ ")[^"]+ |(?<=token':\ ')[^']+
    |(?<=bearer\ )[^\s,'"]+""",
    re.VERBOSE | re.IGNORECASE,
)

# Whose events hold nothing that anybody else chose. One of them is written for each connection.
_OWN = frozenset((visits.__name__,))

# Every secret is as long as a token or follows one of two words: cheaper to look for, and most events have neither.
_LONG = re.compile(r"[A-Za-z0-9_-]{43}")


def redact(text: str) -> str:
    """``text`` without what looks like a token."""
    return _SECRET.sub(_REDACTED, text)


@implementer(ILogObserver)
class Redactor:
    """Changes the events that it is told of."""

    def __call__(self, event: LogEvent) -> None:
        if event.get("log_namespace") in _OWN:
            return
        said = words(event)
        if said is not None and not _suspect(said, event):
            return
        for name, value in event.items():
            if name not in ENVELOPE:
                event[name] = _clean(value)
        text = eventAsText(event, includeTimestamp=False, includeSystem=False)
        if _SECRET.search(text):
            # Said by the event as a whole, or by a failure: only its words are kept.
            _replace(event, redact(text))


def _suspect(said: str, event: LogEvent) -> bool:
    """Whether there may be a secret in what a plain event says, or in what it holds."""
    text = "\n".join([said, *[value for value in event.values() if type(value) is str]])
    small = text.lower()
    # Letters that are ASCII's in another case only: left to the whole expression.
    return "token" in small or "bearer" in small or not text.isascii() or _LONG.search(text) is not None


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bytes):
        return redact(value.decode("utf-8", "backslashreplace")).encode()
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_clean, value)) if type(value) in (list, tuple) else value
    if isinstance(value, int | float | Failure) or value is None:
        return value
    return redact(shown) if _SECRET.search(shown := _show(value)) else value


def _show(value: Any) -> str:
    try:
        return f"{value} {value!r}"
    except Exception:
        return ""


def _replace(event: LogEvent, text: str) -> None:
    kept = {name: event[name] for name in ENVELOPE if name in event}
    event.clear()
    event.update(kept, log_format="{log_text}", log_text=text, log_source=None)


def begin() -> Redactor:
    """Take part from now on, before whoever comes after. Once for a process is enough."""
    redactor = Redactor()
    globalLogPublisher.addObserver(redactor)
    return redactor
