"""Where the log is written: as twistd was told, in the format that was asked for, and into a new file after a move."""

from __future__ import annotations

import json
import os
import re
import signal
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread
from twisted.logger import LogEvent, Logger, LogLevel, LogPublisher, formatEvent, formatTime
from twisted.python import usage

from tests.support.attacks import Wire
from tests.support.services import TWISTD, acquire, attempt, await_end, free_port, started
from tests.support.strangers import Native
from yekta.services.log_lines import Lines
from yekta.services.logs import JsonText, Logs


class Runner(usage.Options):
    """twistd's own options, as far as they matter."""

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self.update(given)


class Reactor:
    """Has turns, which end when a test says so."""

    running = False

    def __init__(self) -> None:
        self.corked: list[Any] = []

    def callFromThread(self, call: Any) -> None:
        call()


def test_a_file_that_was_moved_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    logs = Logs(Reactor())
    logs.begin("json", Runner(logfile=str(path), nodaemon=True))
    assert logs.observer is not None
    log = Logger("test", observer=LogPublisher(logs.observer))
    log.info("before")
    path.rename(tmp_path / "log.1")
    log.info("meanwhile")
    logs.reopen()
    log.info("after")
    assert [json.loads(line)["text"] for line in (tmp_path / "log.1").read_text().splitlines()] == [
        "before",
        "meanwhile",
    ]
    assert json.loads(path.read_text())["text"] == "after"


def test_where_no_new_file_can_be_opened_the_old_one_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    logs = Logs(Reactor())
    logs.begin("json", Runner(logfile=str(folder / "log"), nodaemon=True))
    log = Logger("test", observer=LogPublisher(logs.observer))
    folder.rename(tmp_path / "away")
    for text in ("one", "two"):
        with pytest.raises(FileNotFoundError):
            logs.reopen()
        log.info(text)
    folder.mkdir()
    logs.reopen()
    log.info("three")
    assert [json.loads(line)["text"] for line in (tmp_path / "away" / "log").read_text().splitlines()] == ["one", "two"]
    assert json.loads((folder / "log").read_text())["text"] == "three"


def test_the_journal_is_told_of_each_line_how_grave_it_is_and_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    logs = Logs(Reactor())
    logs.begin("journal", Runner(nodaemon=True))
    log = Logger("test", observer=LogPublisher(logs.observer))
    for level in LogLevel.iterconstants():
        log.emit(level, "one\n<0>two {number}", number=1)
    try:
        raise ValueError("of two\nlines")
    except ValueError:
        log.failure("failed")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:10] == [
        line
        for number, name in ((7, "debug"), (6, "info"), (4, "warn"), (3, "error"), (2, "critical"))
        for line in (f"<{number}>[test#{name}] one", f"<{number}>\t<0>two 1")
    ]
    assert lines[10] == "<2>[test#critical] failed"
    assert lines[-1] == "<2>\tlines"
    assert len(lines) > 13
    assert all(line.startswith("<2>\t") for line in lines[11:])


def test_a_writer_that_is_not_ours_gets_one_line_of_json_and_nothing_else() -> None:
    events: list[LogEvent] = []
    log = Logger("test", observer=LogPublisher(JsonText(), events.append))
    log.warn("{what} has {count}", what="it", count=2, whole={"a": "secret"}, log_secret="secret")
    [event] = events
    said = json.loads(formatEvent(event))
    assert said.pop("time") == formatTime(event["log_time"])
    assert said == {"level": "warn", "system": "test", "text": "it has 2", "what": "it", "count": 2}
    assert event.keys() == {"log_level", "log_namespace", "log_time", "log_format", "line"}


def test_the_lines_of_a_turn_are_written_together_and_before_what_is_worse(tmp_path: Path) -> None:
    path, reactor = tmp_path / "log", Reactor()
    logs = Logs(reactor)
    logs.begin("json", Runner(logfile=str(path), nodaemon=True))
    assert logs.observer is not None
    log = Logger("test", observer=LogPublisher(logs.observer))

    def told() -> list[str]:
        return [json.loads(line)["text"] for line in path.read_text().splitlines()]

    log.info("before")
    assert told() == ["before"]
    reactor.running = True
    log.info("one")
    log.info("two")
    assert told() == ["before"]
    assert len(reactor.corked) == 1
    log.warn("three")
    assert told() == ["before", "one", "two", "three"]
    log.info("four")
    reactor.corked.pop().uncork()
    assert told()[-1] == "four"


def test_a_line_that_the_file_cannot_have_takes_no_other_with_it(tmp_path: Path) -> None:
    path, reactor = tmp_path / "log", Reactor()
    logs = Logs(reactor)
    logs.begin("", Runner(logfile=str(path), nodaemon=True))
    reactor.running = True
    for text in ("before", "a folder of caf\udce9", "after"):
        Logger("test", observer=LogPublisher(logs.observer)).info(text)
    reactor.corked.pop().uncork()
    assert [line.rpartition("] ")[2] for line in path.read_text().splitlines()] == [
        "before",
        r"a folder of caf\udce9",
        "after",
    ]


def test_a_terminal_of_one_country_has_its_letters_and_escapes_for_others() -> None:
    reactor, terminal = Reactor(), TextIOWrapper(BytesIO(), encoding="iso8859-7")
    reactor.running = True
    log = Logger("test", observer=LogPublisher(Lines(terminal, lambda event: f"{event['log_format']}\n", reactor)))
    for text in ("before", "αβγ café", "after"):
        log.info(text)
    reactor.corked.pop().uncork()
    terminal.seek(0)
    assert terminal.read().splitlines() == ["before", r"αβγ caf\xe9", "after"]


@pytest_twisted.ensureDeferred
async def test_what_a_thread_tells_waits_for_no_turn(tmp_path: Path) -> None:
    path, reactor = tmp_path / "log", Reactor()
    reactor.running = True
    logs = Logs(reactor)
    logs.begin("", Runner(logfile=str(path), nodaemon=True))
    await deferToThread(Logger("test", observer=LogPublisher(logs.observer)).info, "from a thread")
    assert "from a thread" in path.read_text()
    assert reactor.corked == []


def test_what_is_not_ours_to_open_is_left_alone() -> None:
    for runner in (Runner(logger="some.observer"), Runner(syslog=True), Runner(nodaemon=True), Runner(logLevel="info")):
        logs = Logs(Reactor())
        logs.begin("", runner)
        assert (logs.observer is not None) == ("nodaemon" in runner)
        logs.reopen()


def test_a_daemon_writes_json_lines_and_rotates_when_told(tmp_path: Path) -> None:
    port = free_port()
    settings = {"PORT": str(port), "WEBSOCKET_PORT": str(port), "LOG_FORMAT": "json", "ACCESS_LOG": "true"}
    daemon = (*TWISTD, "--pidfile=pid", "--logfile=log")
    assert attempt("yektayar-api", folder=tmp_path, settings=settings, twistd=daemon).status == 0
    pid = int((tmp_path / "pid").read_text())
    try:
        with Wire(port) as wire:
            assert wire.request("GET", "/health?token=none").status == 200
        os.kill(pid, signal.SIGUSR1)
    finally:
        os.kill(pid, signal.SIGTERM)
        await_end(tmp_path / "pid")
    lines = [json.loads(line) for name in ("log.1", "log") for line in (tmp_path / name).read_text().splitlines()]
    (request,) = [line for line in lines if line["system"] == "yekta.web.access.AccessLog"]
    assert (request["method"], request["path"], request["status"]) == ("GET", "/health", 200)
    assert lines[-1]["text"] == "Server Shut Down."


def test_without_an_access_log_requests_are_not_told_of(tmp_path: Path) -> None:
    with started("yektayar-api", folder=tmp_path) as api:
        with Wire(api.port) as wire:
            assert wire.request("GET", "/health").status == 200
        assert api.stop() == 0
        assert "/health" not in api.text


def test_a_log_that_cannot_be_written_ends_start_up(tmp_path: Path) -> None:
    ended = attempt("yektayar-api", folder=tmp_path, twistd=(*TWISTD, "-n", "--pidfile=", "--logfile=no/where"))
    sentence = f"Cannot write the log ({tmp_path}/no/where, --logfile): No such file or directory."
    assert (ended.status, ended.err) == (1, f"yektayar-api: {sentence}\n")


@pytest.mark.parametrize("format", ["text", "json", "journal"])
def test_a_connection_has_one_line(tmp_path: Path, format: str) -> None:
    with started("yektayar-api", folder=tmp_path, settings={"LOG_FORMAT": format}) as api:
        with Native(api.port, acquire(api.port)) as client:
            client.say("ping", "{}")
            client.hear()
        words = r"connection [0-9a-f]{8}: native-websocket over websocket from 127\.0\.0\.1, "
        said = api.await_line(re.compile(words))
        assert "transport close" in said.string
        assert api.stop() == 0
        assert len(re.findall("connection [0-9a-f]{8}: ", api.text)) == 1
