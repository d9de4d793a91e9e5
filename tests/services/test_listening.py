"""Endpoints that are listened on: whose path another process has left, and whose it is ours to have."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread
from twisted.python import log

from tests.support.certificates import certify
from tests.support.patience import reactor
from yekta.services.listening import listen, service

every_way = pytest.mark.parametrize("late", [False, True], ids=["clients", "operators"])


def left_behind(path: Path, number: int) -> None:
    """A socket and a lock of long ago, of a process that was killed, and had that number."""
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    lock = Path(f"{path}.lock")
    lock.symlink_to(str(number))
    os.utime(lock, (0, 0), follow_symlinks=False)


@pytest_twisted.ensureDeferred
@every_way
@pytest.mark.parametrize("number", [os.getpid, os.getppid], ids=["ours", "another's"])
@pytest.mark.parametrize("endpoint", ["unix:{}", "haproxy:unix:{}"])
async def test_a_path_that_was_left_is_listened_on_whoever_has_the_number_now(
    tmp_path: Path, late: bool, number: Callable[[], int], endpoint: str
) -> None:
    path = tmp_path / "way"
    left_behind(path, number())
    port = listen("service", "SETTING", endpoint.format(path), Factory(), reactor, late=late)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    await port.stopService()
    assert list(tmp_path.iterdir()) == []


@pytest_twisted.ensureDeferred
@every_way
async def test_a_path_that_is_ours_already_is_refused_and_stays(tmp_path: Path, late: bool) -> None:
    endpoint = f"unix:{tmp_path}/way"
    port = listen("service", "SETTING", endpoint, Factory(), reactor)
    with pytest.raises(SystemExit, match="SETTING"):
        listen("service", "SETTING", endpoint, Factory(), reactor, late=late)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{tmp_path}/way")
    await port.stopService()


@pytest_twisted.ensureDeferred
async def test_a_port_that_another_has_is_waited_for_by_operators_only() -> None:
    with socket.create_server(("127.0.0.1", 0)) as another:
        endpoint = f"tcp:{another.getsockname()[1]}:interface=127.0.0.1"
        with pytest.raises(SystemExit, match="SETTING"):
            listen("service", "SETTING", endpoint, Factory(), reactor)
        port = listen("service", "SETTING", endpoint, Factory(), reactor, late=True)
    await port.stopService()


class Full(Factory):
    """Has no room."""

    def buildProtocol(self, addr: IAddress | None) -> None:
        """Nobody comes in."""


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("kind", ["tcp:0", "ssl:0", "haproxy:tcp:0", "haproxy:ssl:0"])
async def test_one_too_many_is_hung_up_on_at_once_however_it_comes(tmp_path: Path, kind: str) -> None:
    pem = certify(tmp_path, "localhost")
    endpoint = f"{kind}:interface=127.0.0.1" + (f":privateKey={pem}:certKey={pem}" if "ssl" in kind else "")
    port = await service("SETTING", endpoint, Full(), reactor).endpoint.listen(Full())
    events: list[Any] = []
    log.addObserver(events.append)

    def wait() -> bytes:
        with socket.create_connection(("127.0.0.1", port.getHost().port), 10) as client:
            return client.recv(1)

    assert await deferToThread(wait) == b""
    log.removeObserver(events.append)
    assert [event for event in events if event["isError"]] == []
    await port.stopListening()
