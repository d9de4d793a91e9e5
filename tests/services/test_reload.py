"""SIGHUP: what may change does, the rest waits for a restart, and log files are opened anew."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from tests.support.attacks import Wire
from tests.support.services import TWISTD, Service, acquire, started
from tests.support.strangers import Native
from yekta.services.config import RELOADED, SETTINGS, load

AGAIN = re.compile("has read its settings again")
STAYS = re.compile("What was set before stays")


def reload(service: Service, pattern: re.Pattern[str]) -> str:
    """Send SIGHUP, and wait for the line that comes of it."""
    service.output.clear()
    service.process.send_signal(signal.SIGHUP)
    return service.await_line(pattern).string


def allowed(service: Service, origin: str, port: int) -> str | None:
    with Wire(port) as wire:
        return wire.request("GET", "/health", f"Origin: {origin}").headers.get("access-control-allow-origin")


def test_what_may_change_does(tmp_path: Path) -> None:
    settings = tmp_path / ".env"
    settings.write_text("CORS_ORIGIN=https://old.example\n")
    with started("yektayar-api", "--event-burst=2", folder=tmp_path) as api:
        port = api.port
        with Native(port, acquire(port)) as early:
            settings.write_text("CORS_ORIGIN=https://new.example\nEVENT_RATE=1\nEVENT_BURST=50\nMAX_PAYLOAD=7\n")
            reload(api, AGAIN)
            api.await_line(re.compile("A restart is needed for MAX_PAYLOAD$"))
            assert allowed(api, "https://new.example", port) == "https://new.example"
            assert allowed(api, "https://old.example", port) is None
            # The option is still stronger than the file.
            for _ in range(3):
                early.say("ping", "{}")
            assert [early.hear()[0] for _ in range(3)] == ["pong", "pong", "error"]
        settings.write_text("DISABLE_CORS=true\n")
        reload(api, AGAIN)
        assert allowed(api, "https://new.example", port) is None
        assert api.stop() == 0
        assert "Traceback" not in api.text


def test_a_name_that_is_nearly_a_setting_is_told_of(tmp_path: Path) -> None:
    with started("yektayar-api", folder=tmp_path) as api:
        (tmp_path / ".env").write_text("EVENT_RAET=1\n")
        reload(api, AGAIN)
        api.await_line(re.compile("EVENT_RAET in .env is not a setting, but EVENT_RATE is"))
        assert api.stop() == 0


def test_a_value_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    settings = tmp_path / ".env"
    settings.write_text("CORS_ORIGIN=https://old.example\n")
    with started("yektayar-api", folder=tmp_path) as api:
        port = api.port
        for text, sentence in (
            ("CORS_ORIGIN=https://new.example\nEVENT_RATE=many\n", "EVENT_RATE must be a whole number, 0 or above, "),
            ("CORS_ORIGIN=https://new.example\nCARE_FOLDER=/no/where\n", "CARE_FOLDER cannot be read: "),
        ):
            settings.write_text(text)
            assert sentence in reload(api, STAYS)
            assert allowed(api, "https://old.example", port) == "https://old.example"
            assert allowed(api, "https://new.example", port) is None
        assert api.stop() == 0
        assert "Traceback" not in api.text


def test_a_log_that_was_moved_away_is_opened_anew(tmp_path: Path) -> None:
    twistd = (*TWISTD, "-n", "--pidfile=", "--logger=both.observer", "--logfile=log")
    (tmp_path / "both.py").write_text(BOTH)
    settings = {"PYTHONPATH": str(tmp_path)}
    with started("yektayar-api", folder=tmp_path, twistd=twistd, settings=settings) as api:
        os.rename(tmp_path / "log", tmp_path / "log.old")
        reload(api, AGAIN)
        assert api.stop() == 0
    assert "is ready" in (tmp_path / "log.old").read_text()
    assert "has read its settings again" not in (tmp_path / "log.old").read_text()
    assert "has read its settings again" in (tmp_path / "log").read_text()


def test_a_reload_that_fails_ends_no_log(tmp_path: Path) -> None:
    """Neither where a value cannot be used, nor where the log's new file cannot be opened."""
    (tmp_path / "logs").mkdir()
    twistd = (*TWISTD, "-n", "--pidfile=", "--logger=both.observer", "--logfile=log")
    (tmp_path / "both.py").write_text(BOTH.replace('"log"', '"logs/log"'))
    settings = {"PYTHONPATH": str(tmp_path)}
    with started("yektayar-api", folder=tmp_path, twistd=twistd, settings=settings) as api:
        port = api.port
        (tmp_path / ".env").write_text("EVENT_RATE=many\n")
        reload(api, STAYS)
        os.rename(tmp_path / "logs", tmp_path / "old")
        (tmp_path / ".env").unlink()
        for _ in range(2):
            assert "No such file or directory" in reload(api, STAYS)
        with Native(port, acquire(port)) as client:
            client.say("ping", "{}")
            assert client.hear()[0] == "pong"
        (tmp_path / "logs").mkdir()
        reload(api, AGAIN)
        assert api.stop() == 0
    assert (tmp_path / "old" / "log").read_text().count("What was set before stays") == 3
    assert "has read its settings again" in (tmp_path / "logs" / "log").read_text()


# Twistd's own observer of a log file, and one that lets us hear.
BOTH = """
import sys
from twisted.logger import formatEvent, globalLogPublisher, textFileLogObserver
from twisted.python.logfile import LogFile
def observer():
    globalLogPublisher.addObserver(textFileLogObserver(LogFile.fromFullPath("log")))
    return lambda event: print(formatEvent(event), file=sys.__stdout__)
"""


def test_only_settings_that_there_are_can_be_read_again() -> None:
    assert set(RELOADED) <= {setting.name for setting in SETTINGS}
    old, new = load({"PORT": "1", "CARE": "true"}, {}), load({"PORT": "2", "CARE": "false"}, {})
    changed, waiting = old.reloaded(new)
    assert (changed.port, changed.care, waiting) == (1, False, ["PORT"])
