"""Starting as an operator does: help, endpoints, twistd's own options, and where settings come from."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
from pathlib import Path

import pytest

from tests.support import postgres
from tests.support.attacks import Wire, head
from tests.support.services import PYTHON_M_TWISTED, TWISTD, acquire, attempt, await_end, free_port, paired, started
from tests.support.strangers import Native, Polling, SocketIO
from yekta import __version__
from yekta.services.config import SETTINGS

SERVICES = ("yektayar-api", "yektayar-ws")
every_service = pytest.mark.parametrize("service", SERVICES)


@every_service
def test_help_lists_every_setting_by_both_its_names(tmp_path: Path, service: str) -> None:
    ended = attempt(service, "--help", folder=tmp_path, twistd=TWISTD)
    text = re.sub(r"\s+", "", ended.out)
    assert ended.status == 0
    # Any terminal has these.
    assert ended.out.isascii()
    for setting in SETTINGS:
        assert f"--{setting.option}=" in ended.out
        assert f"[{setting.name},default" in text
    assert {"--listen=", "--no-console"} <= set(ended.out.split())


def test_twistd_lists_both_services(tmp_path: Path) -> None:
    listed = attempt("--help", folder=tmp_path, twistd=TWISTD).out
    assert all(service in listed for service in SERVICES)


def message(port: int) -> str:
    """What the service on this port calls itself."""
    with Wire(port) as wire:
        name: str = wire.request("GET", "/").json()["message"]
    return name


@every_service
def test_the_other_runner_starts_and_stops_it(tmp_path: Path, service: str) -> None:
    with started(service, folder=tmp_path, twistd=(*PYTHON_M_TWISTED, "--log-format=text")) as running:
        assert message(running.port).startswith("YektaYar")
        running.await_line(re.compile(rf"{service} is ready, yekta {re.escape(__version__)}"))
        assert running.stop() == 0


@every_service
def test_it_listens_on_every_endpoint(tmp_path: Path, service: str) -> None:
    listen = ("tcp:0:interface=127.0.0.1", "unix:socket", "tcp:0:interface=127.0.0.2")
    with started(service, folder=tmp_path, listen=listen) as running:
        port = running.port
        other = int(running.await_line(re.compile(rf"Site starting on (?!{port}$)(\d+)"))[1])
        assert message(port) == message_by(socket.AF_UNIX, str(tmp_path / "socket"))
        assert message(port) == message_by(socket.AF_INET, ("127.0.0.2", other))
        with pytest.raises(ConnectionRefusedError):
            Wire(other)
        assert running.stop() == 0
    assert not (tmp_path / "socket").exists()


def message_by(family: int, address: str | tuple[str, int]) -> str:
    """The same over a connection of any family."""
    with socket.socket(family) as other:
        other.connect(address)
        wire = Wire.__new__(Wire)
        wire.socket, wire.buffer = other, bytearray()
        name: str = wire.request("GET", "/").json()["message"]
    return name


TALK = """
import sys
from twisted.logger import formatEvent
def observer():
    return lambda event: print("heard:", formatEvent(event), file=sys.__stdout__)
"""


def test_pidfile_and_logger_and_umask_keep_working(tmp_path: Path) -> None:
    (tmp_path / "talk.py").write_text(TALK)
    twistd = (*TWISTD, "-n", "--pidfile=pid", "--umask=027", "--logger=talk.observer")
    with started(
        "yektayar-api", folder=tmp_path, twistd=twistd, listen=("unix:socket",), settings={"PYTHONPATH": str(tmp_path)}
    ) as running:
        assert int((tmp_path / "pid").read_text()) == running.process.pid
        assert mode(tmp_path / "pid") == 0o640
        assert message_by(socket.AF_UNIX, str(tmp_path / "socket")) == "YektaYar API Server"
        assert running.stop() == 0
        assert "heard: yektayar-api is ready" in running.text
    assert not (tmp_path / "pid").exists()


TELL = f"""
{TALK}
def teller():
    from twisted.internet import reactor
    from twisted.logger import Logger
    reactor.callWhenRunning(Logger().info, "asked for {{path}}", path="/ws?token=a-secret")
    return observer()
"""


@every_service
def test_whoever_logs_a_token_does_so_in_vain(tmp_path: Path, service: str) -> None:
    (tmp_path / "tell.py").write_text(TELL)
    twistd = (*TWISTD, "-n", "--pidfile=", "--logger=tell.teller")
    with started(service, folder=tmp_path, twistd=twistd, settings={"PYTHONPATH": str(tmp_path)}) as running:
        running.await_line(re.compile("heard: asked for /ws"))
        assert running.stop() == 0
        assert "heard: asked for /ws?token=[redacted]" in running.text
        assert "a-secret" not in running.text


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("service", "number"), [(SERVICES[0], signal.SIGTERM), (SERVICES[1], signal.SIGINT)])
def test_a_daemon_starts_and_stops(tmp_path: Path, service: str, number: signal.Signals) -> None:
    port = free_port()
    settings = {"PORT": str(port), "WEBSOCKET_PORT": str(port)}
    daemon = (*TWISTD, "--pidfile=pid", "--logfile=log")
    ended = attempt(service, folder=tmp_path, settings=settings, twistd=daemon)
    assert (ended.status, ended.out, ended.err) == (0, "", "")
    try:
        assert message(port).startswith("YektaYar")
    finally:
        os.kill(int((tmp_path / "pid").read_text()), number)
        await_end(tmp_path / "pid")
    assert not (tmp_path / "pid").exists()
    assert mode(tmp_path / "yekta.sqlite3") == 0o600
    log = (tmp_path / "log").read_text()
    assert "Server Shut Down" in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("environment", "options", "path"),
    [
        ({}, (), "/from-dotenv"),
        ({"WEBSOCKET_PATH": "/from-environment"}, (), "/from-environment"),
        ({"WEBSOCKET_PATH": "/from-environment"}, ("--websocket-path=/from-option",), "/from-option"),
    ],
    ids=[".env", "environment over .env", "option over environment"],
)
def test_the_nearest_word_on_a_setting_counts(
    tmp_path: Path, environment: dict[str, str], options: tuple[str, ...], path: str
) -> None:
    (tmp_path / ".env").write_text("# ours\nWEBSOCKET_PATH=/from-dotenv\nexport LEGACY_STATUS='true'\n")
    with started("yektayar-api", *options, folder=tmp_path, settings=environment) as api, Wire(api.port) as wire:
        assert wire.request("GET", "/websocket-info").json()["path"] == path
        assert wire.request("GET", "/api/auth/session").status == 200
        with Native(api.port, acquire(api.port)) if path == "/ws" else wire:
            assert wire.request("GET", path).status == 404


def test_without_the_console_there_is_no_page(tmp_path: Path) -> None:
    with started("yektayar-api", "--no-console", folder=tmp_path) as api, Wire(api.port) as wire:
        assert wire.request("GET", "/console").status == 404


@pytest.mark.needs("postgres")
def test_a_session_in_postgresql_is_good_on_both_services(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": postgres.shared().new_database()}
    with paired(tmp_path, settings) as pair:
        token = pair.acquire()
        for door in (Native, SocketIO, Polling):
            with door(pair.ws.port, token) as client:
                client.say("echo", '"درود"')
                assert client.hear()[1]["received"] == "درود"
                if door is Polling:
                    client.say_raw("1")
        for service in (pair.api, pair.ws):
            assert service.stop() == 0
            assert "Traceback" not in service.text


HAND_OVER = 'exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_FDNAMES=web LISTEN_PID=$$; exec "$@"'


def test_a_socket_of_systemd_serves_who_came_early(tmp_path: Path) -> None:
    twistd = ("sh", "-c", HAND_OVER, "-", *TWISTD, "-n", "--pidfile=")
    with socket.create_server(("127.0.0.1", 0)) as listening, Wire(listening.getsockname()[1]) as early:
        early.send(head("GET", "/"))
        with started(
            "yektayar-ws",
            folder=tmp_path,
            listen=("systemd:domain=INET:index=0",),
            twistd=twistd,
            stdin=listening.fileno(),
        ) as running:
            assert early.response().json()["message"] == "YektaYar WebSocket Server"
            assert running.stop() == 0
