"""Events of text and numbers: written by the short way as Twisted writes them by its own."""

from __future__ import annotations

import io
from typing import Any

import pytest
from twisted.logger import (
    LogEvent,
    Logger,
    LogLevel,
    LogPublisher,
    eventAsJSON,
    eventAsText,
    eventFromJSON,
    formatEvent,
    formatEventAsClassicLogText,
    jsonFileLogObserver,
    textFileLogObserver,
)
from twisted.python import usage

from yekta.services import plain_events
from yekta.services.logs import Logs

PLAIN: list[tuple[str, dict[str, Any]]] = [
    ("connection {id}: {seconds} s, {reason}", {"id": "0a1b", "seconds": 0.25, "reason": "transport close"}),
    ("{a!r} and {b} of {c}", {"a": "it's", "b": 3, "c": None}),
    ("two\nlines, {{braces}} and \u0641\u0627\u0631\u0633\u06cc", {}),
    ("{said.real} {yes}", {"said": 2, "yes": True}),
]
OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("{call()}", {"call": lambda: "called"}),
    ("{upper.upper()}", {"upper": "text"}),
    ("{missing}", {}),
    ("{list}", {"list": [1]}),
    ("{broken", {"broken": "format"}),
]


def event_of(form: str, values: dict[str, Any]) -> LogEvent:
    events: list[LogEvent] = []
    Logger("a.name", observer=LogPublisher(lambda event: events.append(dict(event)))).emit(
        LogLevel.warn, form, **values
    )
    return events[0]


@pytest.mark.parametrize(("form", "values"), PLAIN)
def test_what_is_plain_is_written_as_by_twisted(form: str, values: dict[str, Any]) -> None:
    event = event_of(form, values)
    assert plain_events.words(event) == eventAsText(event, includeTimestamp=False, includeSystem=False)
    assert plain_events.line(event) == formatEventAsClassicLogText(event)
    record = plain_events.record(event)
    assert record is not None
    ours, theirs = eventFromJSON(record), eventFromJSON(eventAsJSON(dict(event)))
    assert formatEvent(ours) == formatEvent(theirs)
    assert ours == {name: value for name, value in theirs.items() if name in ours}
    assert theirs.keys() - ours.keys() <= {"log_flattened", "log_logger", "log_source"}


@pytest.mark.parametrize(("form", "values"), OTHERS)
def test_what_is_not_plain_is_left_to_twisted(form: str, values: dict[str, Any]) -> None:
    event = event_of(form, values)
    assert plain_events.words(event) is plain_events.line(event) is plain_events.record(event) is None


@pytest.mark.parametrize("theirs", [textFileLogObserver, jsonFileLogObserver])
def test_the_writers_of_python_m_twisted_are_replaced_by_equal_ones(theirs: Any) -> None:
    runner = usage.Options()
    runner.update({"fileLogObserverFactory": theirs, "logLevel": LogLevel.info})
    Logs(None).begin("", runner)
    ours = runner["fileLogObserverFactory"]
    assert ours is not theirs
    written = [write(observer, OTHERS[0]) for observer in (ours, theirs)]
    assert written[0] == written[1]
    assert write(ours, PLAIN[0])[0] == write(theirs, PLAIN[0])[0]


def write(observer: Any, said: tuple[str, dict[str, Any]]) -> str:
    file = io.StringIO()
    event = event_of(*said)
    event["log_time"] = 1769850302.5
    observer(file)(event)
    return file.getvalue()
