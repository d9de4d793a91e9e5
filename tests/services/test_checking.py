"""``--check-config``: a word on settings, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.services import attempt, free_port
from yekta.services.checking import check
from yekta.services.config import ConfigError, load, remarks

PORTS = {"PORT": "0", "WEBSOCKET_PORT": "0"}


@pytest.mark.parametrize("service", ["yektayar-api", "yektayar-ws"])
def test_settings_that_can_be_used_leave_no_trace(tmp_path: Path, service: str) -> None:
    ended = attempt(service, "--check-config", folder=tmp_path, settings=PORTS)
    assert (ended.status, ended.out, ended.err) == (0, f"{service}: The settings can be used.\n", "")
    assert list(tmp_path.iterdir()) == []


def test_settings_that_cannot_be_used_are_refused_as_at_a_start(tmp_path: Path) -> None:
    settings = {**PORTS, "METRICS_LISTEN": "garbage"}
    ended = attempt("yektayar-api", "--check-config", folder=tmp_path, settings=settings)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("yektayar-api: METRICS_LISTEN must be an endpoint, not 'garbage': ")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_nearly_a_setting_is_told_of_and_starts_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("PING_INTERVALL=5\nFOO=1\n")
    ended = attempt("yektayar-ws", "--env-file=env", "--check-config", folder=tmp_path, settings=PORTS)
    assert ended.status == 0
    assert ended.err == "yektayar-ws: PING_INTERVALL in env is not a setting, but PING_INTERVAL is.\n"


@pytest.mark.parametrize("line", ["DATABASE_URL='sqlite:///a", "CORS_ORIGIN https://app.example", "A='b' c"])
def test_a_line_that_cannot_be_read_is_no_default(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"# ours\n\n\nEVENT_RATE=5\n\n  {line}\nEVENT_BURST=9\n")
    ended = attempt("yektayar-ws", "--check-config", folder=tmp_path, settings=PORTS)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == "yektayar-ws: Line 6 of .env cannot be read.\n"


def test_a_start_says_so_in_its_log(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PING_INTERVALL=5\n")
    port = free_port()
    settings = {"PORT": str(port), "METRICS_LISTEN": "unix:/no/where"}
    ended = attempt("yektayar-api", folder=tmp_path, settings=settings)
    assert "PING_INTERVALL in .env is not a setting, but PING_INTERVAL is." in ended.out


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"DATABASE_URL": "sqlite:////no/where/db"}, "DATABASE_URL"),
        ({"DATABASE_URL": "mysql://h/d"}, "DATABASE_URL"),
        ({"REDIS_URL": "rediss://a..b"}, "REDIS_URL"),
        ({"CARE_FOLDER": "/no/where"}, "CARE_FOLDER"),
        ({"AI_BASE_URL": "http://a/v1", "AI_MODEL": "a,b"}, "AI_MODEL"),
        ({"MANHOLE": "2222"}, "MANHOLE_KEYS"),
        ({"WORKERS": "2", "METRICS_LISTEN": "tcp:65535"}, "METRICS_LISTEN"),
        ({"METRICS_LISTEN": "garbage"}, "METRICS_LISTEN"),
        ({"METRICS_LISTEN": "tcp:port=65536"}, "METRICS_LISTEN"),
    ],
)
def test_what_would_end_every_start_is_found(settings: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        check(load(settings, {}))


def test_what_is_not_installed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yekta.redis.lasting", None)
    with pytest.raises(ConfigError, match="REDIS_URL needs txredisapi"):
        check(load({"REDIS_URL": "redis://h"}, {}))


@pytest.mark.parametrize(("workers", "endpoint"), [("1", "nonsense:1"), ("1", "tcp:99999"), ("2", "unix:/tmp/x")])
def test_endpoints_that_are_none_are_found(workers: str, endpoint: str) -> None:
    with pytest.raises(ConfigError, match=f"not '{endpoint}'"):
        check(load({"WORKERS": workers}, {}, listen=(endpoint,)))


def test_what_systemd_would_have_opened_is_not_missed() -> None:
    check(load({}, {}, listen=("systemd:domain=INET:index=0",)))


def test_only_what_is_nearly_a_setting_is_remarked_upon() -> None:
    names = ("PORT", "PORTS", "cors_origin", "DRAIN_SECOND", "NODE_ENV", "DB_HOST", "JWT_SECRET", "TZ", "")
    remarked = [remark.partition(" in ")[0] for remark in remarks(names, ".env")]
    assert remarked == ["PORTS", "cors_origin", "DRAIN_SECOND"]
