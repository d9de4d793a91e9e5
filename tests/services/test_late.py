"""An operator's way in that another process has is tried by the clock; the ports are real."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.application import strports
from twisted.application.internet import StreamServerEndpointService
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent

from tests.support.patience import reactor
from yekta.services.late import PAUSE, Late
from yekta.stale_sockets import GRACE


class World:
    """``way``: to ``endpoint``, by SETTING. ``ours``: the port that this process has."""

    def __init__(self, endpoint: str, ours: int = 0) -> None:
        self.clock = Clock()
        port = strports.service(endpoint, Factory(), reactor=reactor)
        self.way = Late(port, "SETTING", self.clock, is_ours=lambda port: port == ours)

    def start(self) -> list[Any]:
        return self._logged(self.way.privilegedStartService) + self._logged(self.way.startService)

    def wait(self, seconds: float) -> list[Any]:
        """Lines of the log, each as its level and its text, of so many pauses."""
        return self._logged(lambda: self.clock.pump([PAUSE] * round(seconds / PAUSE)))

    def _logged(self, act: Any) -> list[Any]:
        with capturedLogs() as logs:
            act()
        return [(log["log_level"], formatEvent(log)) for log in logs if "SETTING" in str(formatEvent(log))]


WAITS = [(LogLevel.warn, "SETTING is not open: another process has it. It is tried again")]
OPEN = [(LogLevel.info, "SETTING is open now")]


@pytest.fixture
def other() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other


@contextmanager
def path_of_another(path: Path) -> Iterator[None]:
    """Another process has ``path``, with a lock as Twisted makes it, until it is killed."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as another:
        os.symlink(str(another.pid), f"{path}.lock")
        yield
        another.kill()


def endpoint_of(other: socket.socket) -> str:
    return f"tcp:{other.getsockname()[1]}:interface=127.0.0.1"


@pytest_twisted.ensureDeferred
async def test_what_is_free_is_open_at_once(tmp_path: Path) -> None:
    world = World(f"unix:{tmp_path}/way")
    assert world.start() == []
    assert (tmp_path / "way").is_socket()
    assert world.clock.getDelayedCalls() == []
    await world.way.stopService()
    assert list(tmp_path.iterdir()) == []


@pytest_twisted.ensureDeferred
async def test_a_port_of_another_is_opened_when_that_has_gone_and_each_is_said_once(other: socket.socket) -> None:
    world = World(endpoint_of(other))
    assert world.start() == WAITS
    assert world.wait(10) == []
    address = other.getsockname()
    other.close()
    assert world.wait(PAUSE) == OPEN
    socket.create_connection(address).close()
    assert world.clock.getDelayedCalls() == []
    await world.way.stopService()


@pytest_twisted.ensureDeferred
async def test_who_stops_meanwhile_waits_no_more(other: socket.socket) -> None:
    world = World(endpoint_of(other))
    world.start()
    await world.way.stopService()
    assert world.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_a_path_of_another_is_opened_when_that_has_gone_and_no_attempt_is_logged(tmp_path: Path) -> None:
    path = tmp_path / "way"
    world = World(f"unix:{path}")
    with path_of_another(path):
        assert world.start() == WAITS
        with capturedLogs() as logs:
            world.wait(10)
        assert logs == []
        # It takes both away.
        path.unlink()
        Path(f"{path}.lock").unlink()
    assert world.wait(PAUSE) == OPEN
    assert path.is_socket()
    await world.way.stopService()


@pytest_twisted.ensureDeferred
async def test_a_path_of_another_that_was_killed_is_opened_too(tmp_path: Path) -> None:
    """It has left both its socket and its lock."""
    path = tmp_path / "way"
    world = World(f"unix:{path}")
    with path_of_another(path):
        assert world.start() == WAITS
    assert world.wait(PAUSE) == OPEN
    assert os.readlink(f"{path}.lock") == str(os.getpid())
    await world.way.stopService()


@pytest.mark.parametrize("endpoint", ["unix:{}/no/where", "unix:{}/file", "tcp:0:interface=192.0.2.1"])
def test_where_waiting_does_not_help_it_is_an_error(tmp_path: Path, endpoint: str) -> None:
    (tmp_path / "file").write_text("not a socket")
    world = World(endpoint.format(tmp_path))
    with pytest.raises((CannotListenError, OSError)):
        world.start()
    assert world.clock.getDelayedCalls() == []


def test_what_this_process_has_itself_is_refused(other: socket.socket) -> None:
    world = World(endpoint_of(other), ours=other.getsockname()[1])
    with pytest.raises(CannotListenError):
        world.start()


@pytest_twisted.ensureDeferred
async def test_a_path_at_which_nobody_listens_is_opened_though_somebody_else_has_the_number_now(tmp_path: Path) -> None:
    path = tmp_path / "way"
    world = World(f"unix:{path}")
    with path_of_another(path):
        assert world.start() == WAITS
        # It may be about to listen.
        assert world.wait(2 * GRACE) == []
        os.utime(f"{path}.lock", (0, 0), follow_symlinks=False)
        assert world.wait(GRACE) == OPEN
    assert os.readlink(f"{path}.lock") == str(os.getpid())
    await world.way.stopService()
    assert list(tmp_path.iterdir()) == []


class Failing(StreamServerEndpointService):
    """Cannot listen, for one reason after the other."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)

    def privilegedStartService(self) -> None:
        raise self._errors.pop(0)


def test_each_other_reason_is_said_in_the_systems_words() -> None:
    clock = Clock()
    taken = CannotListenError("127.0.0.1", 1, OSError(errno.EADDRINUSE, "Address already in use"))
    too_many = OSError(errno.EMFILE, "Too many open files")
    port = Failing(taken, too_many, too_many, taken)
    way = Late(port, "SETTING", clock, is_ours=lambda port: False)
    with capturedLogs() as logs:
        way.privilegedStartService()
        clock.pump([PAUSE] * 3)
    assert [formatEvent(event) for event in logs] == [
        f"SETTING is not open: {reason}. It is tried again"
        for reason in ("another process has it", "Too many open files", "another process has it")
    ]
