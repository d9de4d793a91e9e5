"""Several processes behind one port: each client stays at one of them, and one that ends is started again."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.attacks import Wire
from tests.support.node import running
from tests.support.services import PATIENCE, PYTHON_M_TWISTED, Service, acquire, started
from tests.support.strangers import Native, Polling, SocketIO
from tests.support.systemd import manager

SERVE = re.compile("all 2 workers serve")

# A service that is neither of ours.
APPLICATION = Path(__file__).parents[2] / "benchmarks" / "application"


@contextmanager
def two(folder: Path, *options: str, service: str = "yektayar-api", **more: object) -> Iterator[Service]:
    """A service of two workers, both of which serve."""
    with started(service, "--workers=2", *options, folder=folder, **more) as parent:  # type: ignore[arg-type]
        parent.await_line(SERVE)
        yield parent


def children(parent: Service) -> list[int]:
    pid = parent.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def connections(folder: Path, index: int) -> int:
    """How many Engine.IO connections a worker has, by its own metrics."""
    with socket.socket(socket.AF_UNIX) as connected:
        connected.connect(str(folder / f"metrics.{index}"))
        text = Wire.of(connected).request("GET", "/metrics").body.decode()
    match = re.search(r"^yektayar_engineio_connections (\d+)", text, re.MULTILINE)
    assert match is not None
    return int(match[1])


@pytest.mark.needs("node")
@pytest.mark.parametrize("shared", [0, 12], ids=["a connection for each request", "connections that all share"])
def test_every_client_that_polls_stays_at_its_worker(tmp_path: Path, shared: int) -> None:
    clients = 40 if not shared else 10
    with (
        two(tmp_path, "--metrics-listen=unix:metrics") as parent,
        running("crowd.mjs", [parent.port], acquire(parent.port), 0, clients, shared) as crowd,
    ):
        assert crowd.hear() == {"connected": clients}
        assert sum(connections(tmp_path, index) for index in range(2)) == clients
        crowd.tell("enough")
        seen = crowd.hear()
        assert (seen["errors"], seen["closes"], seen["unanswered"], seen["repeated"]) == ([], [], 0, 0)
        assert parent.stop() == 0
    assert "Traceback" not in parent.text


def test_each_request_of_a_client_may_come_on_a_connection_of_its_own(tmp_path: Path) -> None:
    """And so reaches either worker: both are asked, sooner or later."""
    with two(tmp_path, "--metrics-listen=unix:metrics") as parent:
        token = acquire(parent.port)
        clients = [Polling(parent.port, token) for _ in range(10)]
        numbers = [connections(tmp_path, index) for index in range(2)]
        assert sum(numbers) == 10
        for number in range(3):
            for client in clients:
                client.wire.close()
                client.wire = Wire(parent.port)
                client.say("echo", str(number))
                client.wire.close()
                client.wire = Wire(parent.port)
                assert client.hear()[1]["received"] == number
        assert [connections(tmp_path, index) for index in range(2)] == numbers
        for client in clients:
            assert client.post("1") == 200
            client.close()
        assert parent.stop() == 0


def test_sessions_are_good_at_every_worker_and_all_hear_a_goodbye(tmp_path: Path) -> None:
    with two(tmp_path) as parent:
        token = acquire(parent.port)
        natives = [Native(parent.port, token) for _ in range(6)]
        others = [SocketIO(parent.port, token) for _ in range(6)]
        for client in (*natives, *others):
            client.say("echo", "1")
            assert client.hear()[1]["received"] == 1
        workers = children(parent)
        parent.process.send_signal(signal.SIGTERM)
        assert [client.end() for client in natives] == [1012] * 6
        assert [client.end() for client in others] == [1000] * 6
        assert parent.wait() == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
        for client in (*natives, *others):
            client.close()
    assert "Traceback" not in parent.text


def test_a_worker_that_ends_is_started_again(tmp_path: Path) -> None:
    with two(tmp_path) as parent:
        first = set(children(parent))
        os.kill(min(first), signal.SIGKILL)
        parent.await_line(re.compile(r"has ended by signal 9"))
        with Wire(parent.port) as wire:
            assert wire.request("GET", "/health/ready").status == 200
        await_lines(parent, SERVE, 2)
        assert len(set(children(parent)) - first) == 1
        assert parent.stop() == 0


def test_one_that_ends_before_it_serves_is_started_again_while_another_has_served(tmp_path: Path) -> None:
    with two(tmp_path) as parent:
        first = set(children(parent))
        os.kill(min(first), signal.SIGKILL)
        while not (new := set(children(parent)) - first):
            pass
        os.kill(new.pop(), signal.SIGKILL)
        await_lines(parent, re.compile(r"has ended by signal 9"), 2)
        await_lines(parent, SERVE, 2)
        assert parent.stop() == 0


def await_lines(service: Service, pattern: re.Pattern[str], number: int) -> None:
    """Wait until so many lines have come."""
    with service._said:
        assert service._said.wait_for(lambda: sum(map(bool, map(pattern.search, service.output))) >= number, PATIENCE)


def test_workers_do_not_outlive_their_parent(tmp_path: Path) -> None:
    with two(tmp_path, service="yektayar-ws") as parent:
        ends = [os.pidfd_open(child) for child in children(parent)]
        assert len(ends) == 2
        parent.process.kill()
        for end in ends:
            readable, _, _ = select.select([end], [], [], PATIENCE)
            os.close(end)
            assert readable
        parent.wait()


@pytest.mark.parametrize("given", [False, True], ids=["own", "given"])
def test_their_folder(tmp_path: Path, given: bool) -> None:
    """Where they hand connections over: one of their own goes with them, one that was given stays."""
    # Not much longer may the path of a UNIX socket be.
    own, operators = tmp_path / "o", tmp_path / "g"
    own.mkdir()
    operators.mkdir()
    options = ["--link-folder=off", *([f"--handover-folder={operators}"] if given else [])]
    with two(tmp_path, *options, settings={"TMPDIR": str(own)}) as parent:
        used, unused = (operators, own) if given else (own, operators)
        assert (len(list(used.rglob("*.open"))), list(unused.iterdir())) == (2, [])
        assert parent.stop() == 0
    assert list(own.iterdir()) == []
    assert [path.name for path in operators.rglob("*")] == (["yektayar-api"] if given else [])


def told(path: Path, room: str) -> int:
    """Send a notice to a room of the worker that obeys at ``path``; how many are in it there."""
    with socket.socket(socket.AF_UNIX) as control, control.makefile() as replies:
        control.connect(str(path))
        command = {"command": "emit", "room": room, "event": "notice", "data": path.name}
        control.sendall(json.dumps(command).encode() + b"\n")
        members: int = json.loads(replies.readline())["members"]
    return members


def test_each_worker_obeys_at_a_socket_of_its_own(tmp_path: Path) -> None:
    # Each knows its own clients only; else what is told to one reaches all.
    with two(tmp_path, "--control-socket=control", "--link-folder=off") as parent:
        token = acquire(parent.port)
        clients = [Native(parent.port, token) for _ in range(6)]
        clients[0].say("status", "{}")
        (room,) = (room for room in clients[0].hear()[1]["connection"]["rooms"] if room.startswith("session:"))
        sockets = ["control.0", "control.1"]
        members = {name: told(tmp_path / name, room) for name in sockets}
        heard = [client.hear() for client in clients]
        assert sum(members.values()) == len(clients)
        assert members == {name: heard.count(("notice", name)) for name in sockets}
        for client in clients:
            client.close()
        assert parent.stop() == 0


def test_workers_serve_whichever_service_was_started(tmp_path: Path) -> None:
    with two(tmp_path, service="yektayar-bench", settings={"PYTHONPATH": str(APPLICATION)}) as parent:
        with Native(parent.port, acquire(parent.port)) as client:
            client.say("bench:join", "{}")
            assert client.hear()[0] == "bench:joined"
        assert parent.stop() == 0


def test_settings_are_read_again_by_all(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CORS_ORIGIN=https://old.example\n")
    with two(tmp_path) as parent:
        (tmp_path / ".env").write_text("CORS_ORIGIN=https://new.example\nPORT=1\n")
        parent.process.send_signal(signal.SIGHUP)
        await_lines(parent, re.compile("has read its settings again"), 2)
        await_lines(parent, re.compile("A restart is needed for PORT$"), 2)
        for _ in range(10):
            with Wire(parent.port) as wire:
                answer = wire.request("GET", "/health", "Origin: https://new.example")
                assert answer.headers["access-control-allow-origin"] == "https://new.example"
        assert parent.stop() == 0


@pytest.mark.parametrize("reactor", ["epoll", "poll", "asyncio"])
def test_any_runner_and_reactor_will_do(tmp_path: Path, reactor: str) -> None:
    twistd = (*PYTHON_M_TWISTED, "--log-format=text", f"--reactor={reactor}")
    listen = ("tcp:0:interface=127.0.0.1", "tcp:0:interface=127.0.0.2")
    with two(tmp_path, service="yektayar-ws", twistd=twistd, listen=listen) as parent:
        with Wire(parent.port) as wire:
            assert wire.request("GET", "/").status == 200
        assert parent.stop() == 0
    assert "Traceback" not in parent.text


def test_systemd_s_socket_is_shared_and_systemd_is_told(tmp_path: Path) -> None:
    with manager(tmp_path, WORKERS="2") as systemd, systemd.started("yektayar-ws.service", watchdog=0.2) as parent:
        systemd.await_message("READY=1")
        parent.await_line(SERVE)
        systemd.await_message("WATCHDOG=1")
        with Wire(systemd.port) as wire:
            assert wire.request("GET", "/").status == 200
        parent.process.send_signal(signal.SIGTERM)
        systemd.await_message("STOPPING=1")
        assert parent.wait() == 0
