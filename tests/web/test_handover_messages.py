"""What is said at the socket where connections are given: only what came whole is taken."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.protocol import Factory
from twisted.logger import capturedLogs

from tests.support.patience import reactor, turn
from yekta.web.handover import MAX_BYTES, Handover, _give


class Full(Factory):
    """Lets nobody in. ``asked``: how many came."""

    asked = 0

    def buildProtocol(self, addr: object) -> None:
        self.asked += 1


@pytest.fixture
def full() -> Full:
    return Full()


@pytest.fixture
def taking(tmp_path: Path, full: Full) -> Iterator[Path]:
    """The path of a socket at which connections are taken."""
    handover = Handover(reactor, tmp_path, "a", lambda target: None, lambda target: False, full)
    handover.privilegedStartService()
    yield tmp_path / "a"
    pytest_twisted.blockon(handover.stopService())


@contextmanager
def given(path: Path, message: bytes) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection that nobody but the taker has, given at ``path`` with ``message``: its other end, and who gives."""
    ours, theirs = socket.socketpair()
    with ours, socket.socket(socket.AF_UNIX) as giving:
        giving.connect(str(path))
        with theirs:
            socket.send_fds(giving, [message], [theirs.fileno()])
        yield ours, giving


@pytest_twisted.ensureDeferred
async def test_half_a_message_is_dropped(taking: Path, full: Full) -> None:
    with given(taking, b"\0\0\0\x09short") as (ours, giving):
        giving.close()
        await gone(ours)
    assert full.asked == 0


@pytest_twisted.ensureDeferred
async def test_too_much_is_dropped(taking: Path) -> None:
    with given(taking, b"\xff\xff\xff\xff") as (ours, giving):
        giving.setblocking(False)
        sent = 0
        while sent <= MAX_BYTES:
            try:
                sent += giving.send(bytes(65536))
            except BlockingIOError:
                await turn()
            except (BrokenPipeError, ConnectionResetError):
                break
        await gone(ours)


@pytest_twisted.ensureDeferred
async def test_of_two_connections_the_first_is_dropped(taking: Path) -> None:
    second, theirs = socket.socketpair()
    with given(taking, b"\0\0\0\x02") as (first, giving), second:
        with theirs:
            socket.send_fds(giving, [b"h"], [theirs.fileno()])
        await gone(first)
        giving.close()
        await gone(second)


@pytest_twisted.ensureDeferred
async def test_a_connection_that_is_not_let_in_is_closed(taking: Path, full: Full) -> None:
    with capturedLogs() as logged, given(taking, b"\0\0\0\x02hi") as (ours, giving):
        giving.close()
        await gone(ours)
    assert failures(logged) == []
    assert full.asked == 1


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("message", [b"", b"\0\0\0\0"])
async def test_who_gives_no_connection_does_no_harm(taking: Path, message: bytes) -> None:
    with capturedLogs() as logged, socket.socket(socket.AF_UNIX) as giving:
        giving.connect(str(taking))
        giving.sendall(message)
        giving.shutdown(socket.SHUT_WR)
        await gone(giving)
    assert failures(logged) == []


def failures(logged: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in logged if line.get("isError")]


async def gone(connection: socket.socket) -> None:
    """Wait until nobody has the other end any more."""
    connection.setblocking(False)
    while True:
        try:
            assert connection.recv(1) == b""
            return
        except BlockingIOError:
            await turn()


def test_what_does_not_fit_is_not_given(tmp_path: Path) -> None:
    path = tmp_path / "slow"
    with socket.socket(socket.AF_UNIX) as slow:
        slow.bind(str(path))
        slow.listen()
        reader, writer = os.pipe()
        assert _give(path, reader, b"x") is True
        assert _give(path, reader, bytes(100_000_000)) is False
        os.close(reader)
        os.close(writer)


@pytest_twisted.ensureDeferred
async def test_what_was_left_by_somebody_who_was_killed_is_taken_away(tmp_path: Path) -> None:
    # One of them had begun to leave, and has no mark any more.
    for name in ("serving", "leaving"):
        with socket.socket(socket.AF_UNIX) as killed:
            killed.bind(str(tmp_path / name))
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / "serving.open").touch()
    handover = Handover(reactor, tmp_path, "a", lambda target: None, lambda target: False, Full())
    handover.privilegedStartService()
    assert {path.name for path in tmp_path.iterdir()} == {"a", "a.open"}
    await handover.stopService()


def test_only_the_owner_may_give(taking: Path) -> None:
    assert taking.stat().st_mode & 0o777 == 0o600
