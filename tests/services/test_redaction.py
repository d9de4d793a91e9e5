"""The last line of defence: what it takes out of an event, and what it leaves."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import (
    FileLogObserver,
    ILogObserver,
    Logger,
    LogPublisher,
    capturedLogs,
    jsonFileLogObserver,
    textFileLogObserver,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from yekta.app.visits import Visits
from yekta.services.logs import JsonText, writer
from yekta.services.redaction import Redactor, redact

TOKEN = "fEd3xJp1tVqPp9MARV1OVUIYWbGR_aQ1TL0QaLrF7n4"


@implementer(ILogObserver)
class Bag:
    """Shows what it holds, as careless classes do."""

    def __init__(self, held: str) -> None:
        self._held = held

    def __repr__(self) -> str:
        return f"<Bag {self._held}>"


def failing(text: str) -> Failure:
    try:
        raise ValueError(f"not a session: {text}")
    except ValueError:
        return Failure()


WRITERS: dict[str, Callable[[io.StringIO], Any]] = {
    "twistd's text": textFileLogObserver,
    "Twisted's JSON": jsonFileLogObserver,
    "our text": lambda file: FileLogObserver(file, writer("text")),
    "our JSON": lambda file: FileLogObserver(file, writer("json")),
    "JSON as text": lambda file: LogPublisher(JsonText(), textFileLogObserver(file)),
}

SAID: dict[str, Callable[[Logger], None]] = {
    "in the format": lambda log: log.info(f"who is {TOKEN}?"),
    "as a value": lambda log: log.info("who is {token}?", token=TOKEN),
    "as a value not shown": lambda log: log.info("who?", token=TOKEN),
    "as bytes": lambda log: log.info("who is {token}?", token=TOKEN.encode()),
    "in a URL": lambda log: log.info("GET {url}", url=f"/?token={TOKEN}&x=1"),
    "within a structure": lambda log: log.info("got {data}", data={"a": [TOKEN, (TOKEN,)], TOKEN: 1}),
    "in an object": lambda log: log.info("got {bag}", bag=Bag(TOKEN)),
    "in a failure": lambda log: log.failure("It broke", failing(TOKEN)),
    "as a print": lambda log: log.info("{log_io}", log_io=TOKEN),
}


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("written", WRITERS)
def test_a_token_is_written_by_no_writer(written: str, said: str) -> None:
    file = io.StringIO()
    log = Logger("test", observer=LogPublisher(Redactor(), WRITERS[written](file)))
    SAID[said](log)
    assert file.getvalue()
    assert TOKEN not in file.getvalue()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("GET /?token=abc&x=1", "GET /?token=[redacted]&x=1"),
        ("Authorization: Bearer abc", "Authorization: Bearer [redacted]"),
        ("authorization: bearer abc, x", "authorization: bearer [redacted], x"),
        ('{"token": "abc", "x": 1}', '{"token": "[redacted]", "x": 1}'),
        ('{"token":"abc"}', '{"token":"[redacted]"}'),
        ("{'token': 'abc'}", "{'token': '[redacted]'}"),
        (f"<{TOKEN}>", "<[redacted]>"),
        (f"{TOKEN}x", f"{TOKEN}x"),
        ("ws-4hqugQZRFPPiO5QVP4n2 of session:b4d70b18cc9143b8", "ws-4hqugQZRFPPiO5QVP4n2 of session:b4d70b18cc9143b8"),
    ],
)
def test_what_looks_like_a_token(text: str, left: str) -> None:
    assert redact(text) == left


@pytest.mark.parametrize("said", ["GET /?token=short", '{"Token":"short"}', "authorization: Bearer short"])
@pytest.mark.parametrize("shown", ["{said}", "something"])
def test_a_short_secret_is_known_in_an_event_by_its_word_alone(said: str, shown: str) -> None:
    file = io.StringIO()
    Logger("test", observer=LogPublisher(Redactor(), WRITERS["our JSON"](file))).info(shown, said=said)
    assert "[redacted]" in file.getvalue()
    assert "short" not in file.getvalue()


def test_what_is_no_secret_is_as_it_was() -> None:
    events: list[dict[str, Any]] = []
    failure, bag = failing("nothing"), Bag("nothing")
    log = Logger("test", observer=LogPublisher(Redactor(), lambda event: events.append(dict(event))))
    log.failure("It broke for {who}", failure, who="anybody", bag=bag, numbers=[1, 2.5, None])
    (event,) = events
    assert (event["log_failure"], event["who"], event["bag"]) == (failure, "anybody", bag)
    assert event["numbers"] == [1, 2.5, None]


def test_a_json_line_has_the_words_and_the_values() -> None:
    file = io.StringIO()
    log = Logger("test", observer=FileLogObserver(file, writer("json")))
    log.warn("{who} was here for {seconds} s", who="Anna", seconds=1.5)
    log.failure("It broke", failing("really"))
    first, second = map(json.loads, file.getvalue().splitlines())
    assert first == {
        "time": first["time"],
        "level": "warn",
        "system": "test",
        "text": "Anna was here for 1.5 s",
        "who": "Anna",
        "seconds": 1.5,
    }
    assert second["level"] == "critical"
    assert second["text"].splitlines()[-1] == "builtins.ValueError: not a session: really"


def test_the_log_of_connections_is_not_searched() -> None:
    with capturedLogs() as logged:
        Visits(Clock()).end(0, "socketio", "websocket", "203.0.113.7", "transport close")
    (event,) = logged
    event["reason"] = TOKEN
    Redactor()(event)
    assert event["reason"] == TOKEN
