"""Our units: systemd understands them, they give little away, and their commands do what systemd waits for."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from dotenv import dotenv_values

from tests.support.attacks import Wire, head
from tests.support.services import TWISTD, acquire, attempt, free_port
from tests.support.slow_ai import SlowAI
from tests.support.strangers import Native, Polling, SocketIO
from tests.support.systemd import ETC, manager, unit
from yekta.command.etc import copy_etc
from yekta.services.config import load

README = ETC.parent / "README.rst"
SERVICES = ("yektayar-api.service", "yektayar-ws.service", "yektayar-api@.service", "yektayar-ws@.service")
EXPOSURE = 20

every_service = pytest.mark.parametrize("name", SERVICES)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a twistd that is there; the template as one of its instances."""
    for path in (ETC / "systemd").iterdir():
        text = path.read_text().replace("/opt/yekta/bin/twistd", TWISTD[0])
        (tmp_path / path.name.replace("@.", "@blue.")).write_text(text)
    return tmp_path


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.needs("systemd-analyze")
def test_systemd_has_nothing_to_say_about_any_unit(units: Path) -> None:
    paths = sorted(path for path in units.iterdir() if path.suffix in (".service", ".socket"))
    assert len(paths) == 6
    assert run("systemd-analyze", "verify", "--man=no", *paths) == ""


@pytest.mark.needs("systemd-analyze")
@every_service
def test_a_service_may_do_little(units: Path, name: str) -> None:
    path = units / name.replace("@.", "@blue.")
    said = run("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE}", path)
    assert "Overall exposure level" in said


@every_service
def test_a_service_is_tried_for_ever_and_leaves_no_core(name: str) -> None:
    """By systemd's defaults the fifth start that fails within ten seconds is the last, of the socket too; a watchdog's
    SIGABRT writes all that the process had in mind."""
    parts = unit(name)
    assert parts["Unit"]["StartLimitIntervalSec"] == "0"
    assert parts["Service"]["Restart"] == "on-failure"
    assert float(parts["Service"]["RestartSec"]) >= 1
    assert parts["Service"]["LimitCORE"] == "0"


@pytest.mark.needs("root", "systemd-sysusers", "systemd-tmpfiles")
def test_the_user_and_the_folders_are_made(tmp_path: Path) -> None:
    (tmp_path / "etc" / "yekta").mkdir(parents=True)
    settings = Path(shutil.copy(ETC / "yekta" / "yekta.env", tmp_path / "etc" / "yekta"))
    run("systemd-sysusers", f"--root={tmp_path}", ETC / "sysusers.d" / "yekta.conf")
    run("systemd-tmpfiles", f"--root={tmp_path}", "--create", ETC / "tmpfiles.d" / "yekta.conf")
    passwd = re.search(r"^yekta:x:(\d+):(\d+):", (tmp_path / "etc" / "passwd").read_text(), re.MULTILINE)
    assert passwd is not None
    user, group = int(passwd[1]), int(passwd[2])
    assert unit(SERVICES[0])["Service"]["User"] == "yekta"
    assert facts(tmp_path / "var" / "lib" / "yekta") == (0o700, user, group)
    assert facts(settings) == (0o640, 0, group)


def test_the_readme_s_commands_copy_each_file_to_where_it_says(tmp_path: Path) -> None:
    """Of `/etc`, a Debian has these two of the folders."""
    root, copied = tmp_path / "root", tmp_path / "copied"
    for folder in ("systemd/system", "tmpfiles.d"):
        (root / "etc" / folder).mkdir(parents=True)
    assert all(is_written for _, is_written in copy_etc(copied))
    section = README.read_text().partition("\nUnder systemd\n")[2].partition("\nsystemd holds")[0]
    commands = [line.strip() for line in section.splitlines() if re.match("    (mkdir|cp) ", line)]
    settings = root / "etc" / "yekta" / "yekta.env"
    for _ in range(2):
        # A second time keeps what was edited.
        assert not settings.exists() or settings.write_text("# /etc/yekta/yekta.env\n# Edited.\n")
        for command in commands:
            run("sh", "-c", f"cd {copied} && {command.replace(' /etc/', f' {root}/etc/')}")
    assert settings.read_text().endswith("# Edited.\n")
    files = [path for path in root.rglob("*") if path.is_file()]
    assert len(files) == 9
    for path in files:
        assert path.read_text().splitlines()[0] == f"# /{path.relative_to(root)}"


def facts(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_mode & 0o777, status.st_uid, status.st_gid


def test_the_example_of_an_environment_is_good_and_in_time() -> None:
    settings = {name: value or "" for name, value in dotenv_values(ETC / "yekta" / "yekta.env").items()}
    read = load(settings, {})
    commented = re.findall(r"(?m)^#([A-Z_]+)=", (ETC / "yekta" / "yekta.env").read_text())
    assert all(hasattr(read, name.lower()) for name in (*settings, *commented))
    for name in SERVICES:
        patience = float(unit(name)["Service"]["TimeoutStopSec"])
        assert max(read.drain_seconds, read.drain_answers_seconds) + 3 * read.close_timeout < patience


@every_service
def test_a_service_says_how_it_is_doing(tmp_path: Path, name: str) -> None:
    with manager(tmp_path) as systemd, Wire(systemd.port) as early:
        early.send(head("GET", "/"))
        with systemd.started(name, watchdog=0.2) as service:
            systemd.await_message("READY=1")
            assert early.response().status == 200
            for _ in range(3):
                systemd.await_message("WATCHDOG=1")
            service.process.send_signal(signal.SIGHUP)
            assert int(systemd.await_message("RELOADING=1")["MONOTONIC_USEC"]) > 0
            systemd.await_message("READY=1")
            service.process.send_signal(signal.SIGTERM)
            systemd.await_message("STOPPING=1")
            assert service.wait() == 0
        assert "Traceback" not in service.text


@every_service
def test_a_reload_fails_where_the_settings_cannot_be_used(tmp_path: Path, name: str) -> None:
    check, tell = unit(name)["Service"]["ExecReload"].split(" ; ")
    assert tell == "/bin/kill -HUP $MAINPID"
    settings = tmp_path / "yekta.env"
    twistd, service, *options = shlex.split(check.replace("/etc/yekta/yekta.env", str(settings)))
    assert twistd == "/opt/yekta/bin/twistd"
    for text, outcome in (
        ("", (0, f"{service}: The settings can be used.\n", "")),
        ("EVENT_RATE=fast", (1, "", f"{service}: EVENT_RATE must be a whole number, 0 or above, not 'fast'.\n")),
    ):
        settings.write_text(text)
        ended = attempt(service, *options, folder=tmp_path, twistd=TWISTD)
        assert (ended.status, ended.out, ended.err) == outcome


def test_a_watchdog_that_watches_another_process_is_not_answered(tmp_path: Path) -> None:
    with manager(tmp_path) as systemd, systemd.started(SERVICES[1], watchdog=0.1, settings={"WATCHDOG_PID": "1"}) as ws:
        systemd.await_message("READY=1")
        with Wire(systemd.port) as wire:
            assert wire.request("GET", "/").status == 200
        assert ws.stop() == 0
        assert systemd.notified.recv(4096) == b"STOPPING=1"


def test_a_new_process_takes_the_socket_over_while_the_old_one_drains(tmp_path: Path) -> None:
    port = free_port()
    settings = {"CONTROL_SOCKET": "control", "METRICS_LISTEN": f"tcp:{port}:interface=127.0.0.1"}
    with manager(tmp_path, DRAIN_SECONDS="1", CLOSE_TIMEOUT="1", **settings) as systemd:
        with systemd.started(SERVICES[0]) as old:
            systemd.await_message("READY=1")
            token = acquire(systemd.port)
            with Knocker(systemd.port) as knocker, systemd.started(SERVICES[0]) as new:
                systemd.await_message("READY=1")
                clients = [door(systemd.port, token) for door in (Native, SocketIO, *[Polling] * 10)]
                for client in clients:
                    # Polling, one in two has come to one process with each of its requests, and lives in the other.
                    client.say("echo", "1")
                    assert client.hear()[1]["received"] == 1
                assert old.stop() == 0
                for name in settings:
                    new.await_line(re.compile(f"{name} .* another process has it"))
                    new.await_line(re.compile(f"{name} .* is open now"))
                assert (tmp_path / "control").is_socket()
                with Wire(port) as wire:
                    assert wire.request("GET", "/metrics").status == 200
                for client in clients:
                    client.close()
                for door in (Native, SocketIO, Polling):
                    with door(systemd.port, token) as client:
                        client.say("echo", "1")
                        assert client.hear()[1]["received"] == 1
                knocker.enough()
                assert new.stop() == 0
        assert knocker.refused == 0
        assert knocker.answered > 10
        assert "Traceback" not in old.text + new.text


def test_the_two_services_find_each_others_answers_though_each_has_a_temporary_folder_of_its_own(
    tmp_path: Path,
) -> None:
    with SlowAI() as ai, manager(tmp_path) as systemd:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
        settings = {"AI_BASE_URL": ai.base_url, "TMPDIR": str(tmp_path / "one")}
        with systemd.started(SERVICES[0], settings=settings) as api:
            token, port = acquire(systemd.port), free_port()
            settings["TMPDIR"] = str(tmp_path / "two")
            with (
                Native(systemd.port, token) as asking,
                systemd.started(SERVICES[1], f"--listen=tcp:{port}:interface=127.0.0.1", settings=settings) as ws,
            ):
                asking.say("ai:chat", '{"message": "?", "messageId": "m"}')
                assert [asking.hear()[0] for _ in range(2)] == ["ai:response:start", "ai:response:chunk"]
                with Native(port, token) as reading:
                    reading.say("ai:resume", '{"messageId": "m"}')
                    assert reading.hear()[1]["chunk"] == "Hello"
                    ai.go_on.set()
                    assert reading.hear()[1]["chunk"] == ", world"
                    assert reading.hear()[1]["fullResponse"] == "Hello, world"
                assert ws.stop() == 0
            assert api.stop() == 0


def test_between_two_processes_nobody_is_refused(tmp_path: Path) -> None:
    with manager(tmp_path) as systemd:
        with systemd.started(SERVICES[0]) as old:
            token = acquire(systemd.port)
            assert old.stop() == 0
        with Wire(systemd.port) as waiting:
            waiting.send(head("GET", f"/api/auth/session?token={token}"))
            with systemd.started(SERVICES[0]) as new:
                assert waiting.response().status == 200
                assert new.stop() == 0


class Knocker:
    """Asks again and again, on a new connection each time. ``refused``: how often it was not let in."""

    def __init__(self, port: int) -> None:
        self.answered = self.refused = 0
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._knock, daemon=True)

    def __enter__(self) -> Knocker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.enough()

    def enough(self) -> None:
        self._over.set()
        self._thread.join()

    def _knock(self) -> None:
        while not self._over.wait(0.01):
            try:
                with Wire(self._port) as wire:
                    assert wire.request("GET", "/health").status == 200
            except Exception:
                self.refused += 1
            else:
                self.answered += 1
