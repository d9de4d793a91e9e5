"""Sockets that killed processes have left behind."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.internet.protocol import Factory, Protocol

from tests.support.patience import turn
from yekta import stale_sockets
from yekta.link.place import Place
from yekta.web.handover import Handover

reactor: Any = _reactor


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's: a socket's path has room for a hundred bytes.
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def left_behind(path: Path, age: float = 60) -> None:
    """A socket at which nobody listens any more, and that is ``age`` seconds old."""
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    moment = path.lstat().st_mtime - age
    os.utime(path, (moment, moment))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_only_what_refuses_and_is_not_quite_new_is_taken_away(folder: Path) -> None:
    left_behind(folder / "killed")
    left_behind(folder / "about to listen", 5)
    (folder / "file").touch()
    (folder / "folder").mkdir()
    os.utime(folder / "file", (0, 0))
    os.symlink(folder / "nothing", folder / "link")
    with socket.socket(socket.AF_UNIX) as alive, socket.socket(socket.AF_UNIX) as busy:
        for living, name in ((alive, "alive"), (busy, "busy")):
            living.bind(str(folder / name))
            living.listen(0)
            os.utime(folder / name, (0, 0))
        waiting = socket.socket(socket.AF_UNIX)
        with waiting:
            waiting.connect(str(folder / "busy"))
            assert stale_sockets.sweep(folder) == ["killed"]
    assert names(folder) == ["about to listen", "alive", "busy", "file", "folder", "link"]
    assert stale_sockets.sweep(folder / "missing") == []


def locked(path: Path, number: int, age: float = 60) -> None:
    """A lock as Twisted makes it, ``age`` seconds old."""
    lock = Path(f"{path}.lock")
    lock.symlink_to(str(number))
    moment = lock.lstat().st_mtime - age
    os.utime(lock, (moment, moment), follow_symlinks=False)


def test_a_lock_is_nobody_s_where_nobody_listens_whoever_has_its_number(folder: Path) -> None:
    living = os.getppid()
    for name, number, age in (("killed", living, 60), ("new", living, 5), ("ours", os.getpid(), 0)):
        left_behind(folder / name)
        locked(folder / name, number, age)
    locked(folder / "half", living)
    (folder / "file").touch()
    locked(folder / "file", living)
    left_behind(folder / "without")
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(folder / "alive"))
        alive.listen()
        locked(folder / "alive", living)
        paths = sorted(path for path in folder.iterdir() if path.suffix != ".lock")
        held = [*paths, folder / "half"]
        released = [path.name for path in held if stale_sockets.release(path, time.time(), os.getpid())]
    assert released == ["killed", "ours", "half"]
    assert names(folder) == ["alive", "alive.lock", "file", "file.lock", "new", "new.lock", "without"]


@pytest_twisted.ensureDeferred
async def test_who_takes_connections_takes_away_what_is_left_of_those_who_did(folder: Path) -> None:
    left_behind(folder / "dead")
    (folder / "dead.open").touch()
    factory = Factory.forProtocol(Protocol)
    here, there = (Handover(reactor, folder, name, lambda _: None, lambda _: False, factory) for name in "ab")
    there.privilegedStartService()
    os.utime(folder / "b", (0, 0))
    here.privilegedStartService()
    assert names(folder) == ["a", "a.open", "b", "b.open"]
    await turn()
    for handover in (here, there):
        await handover.stopService()
    assert names(folder) == []


@pytest_twisted.ensureDeferred
async def test_who_comes_to_where_processes_meet_does_so_as_well(folder: Path) -> None:
    (folder / "one").mkdir(0o700)
    left_behind(folder / "one" / "dead")
    place = Place(reactor, folder, "one", "a")
    place.open(Factory.forProtocol(Protocol))
    assert names(folder / "one") == ["a"]
    await place.close()
