"""Where processes meet: who may enter, whose sockets lie there, and what becomes of those whose process is no more."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, TimeoutError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from tests.support.patience import soon
from yekta.link.place import Place, Unusable

reactor: Any = _reactor


class Visitor(Protocol):
    """Hangs up on whoever comes in, and says so."""

    def connectionMade(self) -> None:
        self.factory.came.callback(None)
        self.transport.loseConnection()


class Asker(Protocol):
    """Knows when its connection has ended."""

    def __init__(self) -> None:
        self.gone: Deferred[None] = Deferred()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone.callback(None)


def host() -> Any:
    factory: Any = Factory.forProtocol(Visitor)
    factory.came = Deferred()
    factory.noisy = False
    return factory


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's: a socket's path has room for a hundred bytes.
    with tempfile.TemporaryDirectory() as name:
        yield Path(name) / "link"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest_twisted.ensureDeferred
async def test_the_processes_of_one_database_find_each_other_and_leave_nothing(folder: Path) -> None:
    databases = {"a": "one", "b": "one", "c": "two"}
    places = [Place(reactor, folder, database, tag) for tag, database in databases.items()]
    hosts = [host() for _ in places]
    for place, factory in zip(places, hosts, strict=True):
        place.open(factory)
    first, second, stranger = places
    assert (first.names(), second.names(), stranger.names()) == ([second.tag], [first.tag], [])
    await first.connect(second.tag, Protocol())
    await soon(hosts[1].came)
    assert mode(folder) == mode(folder / "one") == 0o700
    assert mode(folder / "one" / first.tag) == 0o600
    for place in places:
        await place.close()
    assert list(folder.iterdir()) == []


@pytest_twisted.ensureDeferred
async def test_what_one_asks_another_is_not_logged(folder: Path) -> None:
    here, there = Place(reactor, folder, "one", "a"), Place(reactor, folder, "one", "b")
    here.open(host())
    there.open(host())
    with capturedLogs() as logs:
        client = await here.connect(there.tag, Asker())
        await soon(client.gone)
        with pytest.raises(ConnectError):
            await here.connect("nobody", Asker())
    assert logs == []
    for place in (here, there):
        await place.close()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest_twisted.ensureDeferred
async def test_nobody_else_may_enter_whatever_the_umask(folder: Path, umask: int) -> None:
    place, before = Place(reactor, folder, "one", "a"), os.umask(umask)
    try:
        place.open(host())
    finally:
        os.umask(before)
    assert (mode(folder), mode(folder / "one"), mode(folder / "one" / place.tag)) == (0o700, 0o700, 0o600)
    await place.close()


def another_user(folder: Path) -> None:
    folder.mkdir(0o700)
    os.chown(folder, 12345, 12345)


@pytest.mark.parametrize(
    "prepare",
    [
        lambda folder: folder.mkdir(0o750),
        lambda folder: folder.mkdir(0o701),
        lambda folder: folder.touch(0o600),
        lambda folder: folder.symlink_to(tempfile.gettempdir()),
        pytest.param(another_user, marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")),
    ],
)
def test_a_folder_that_others_may_enter_is_not_used(folder: Path, prepare: Any) -> None:
    prepare(folder)
    with pytest.raises(Unusable, match=r"^must be a folder that only its user may enter, not ") as caught:
        Place(reactor, folder, "one", "a").open(host())
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("below", "reason"),
    [("missing/link", "No such file or directory"), ("x" * 100, "AF_UNIX path too long")],
)
def test_a_folder_that_cannot_be_is_not_used(folder: Path, below: str, reason: str) -> None:
    folder.mkdir(0o700)
    with pytest.raises(Unusable, match=rf"^\({folder / below}\) cannot be used: {reason}"):
        Place(reactor, folder / below, "one", "a").open(host())


@pytest.mark.parametrize(("age", "stays"), [(5, True), (60, False)])
@pytest_twisted.ensureDeferred
async def test_a_socket_that_refuses_is_taken_away_unless_it_is_quite_new(
    folder: Path, age: float, stays: bool
) -> None:
    place = Place(reactor, folder, "one", "a", lambda: born + age)
    place.open(host())
    stale = folder / "one" / "killed"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(stale))
    born = stale.lstat().st_mtime
    assert place.names() == ["killed"]
    with pytest.raises(ConnectError):
        await place.connect("killed", Protocol())
    assert place.names() == (["killed"] if stays else [])
    stale.unlink(missing_ok=True)
    await place.close()


@pytest_twisted.ensureDeferred
async def test_the_socket_of_a_process_that_is_only_stuck_stays(folder: Path) -> None:
    class Reactor:
        """A process that accepts nobody."""

        def connectUNIX(self, path: str, factory: Any, **options: Any) -> None:
            factory.clientConnectionFailed(None, Failure(TimeoutError()))

    (folder / "one").mkdir(parents=True)
    stuck = folder / "one" / "stuck"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(stuck))
    place = Place(Reactor(), folder, "one", "a", lambda: time.time() + 3600)
    with pytest.raises(TimeoutError):
        await place.connect("stuck", Protocol())
    assert stuck.exists()


@pytest_twisted.ensureDeferred
async def test_the_last_one_to_leave_may_take_the_folder_away_from_one_who_comes(folder: Path) -> None:
    removed: list[str] = []

    class Reactor:
        """The folder is gone again when it comes to listening, the first time."""

        def listenUNIX(self, path: str, *arguments: Any, **options: Any) -> Any:
            if not removed:
                removed.append(path)
                Path(path).parent.rmdir()
            return reactor.listenUNIX(path, *arguments, **options)

    place = Place(Reactor(), folder, "one", "a")
    place.open(host())
    assert [path.name for path in (folder / "one").iterdir()] == ["a"]
    assert removed
    await place.close()


def test_a_folder_that_is_taken_away_time_and_again_is_not_used(folder: Path) -> None:
    tried: list[str] = []

    class Reactor:
        """The folder is gone each time that it comes to listening."""

        def listenUNIX(self, path: str, *arguments: Any, **options: Any) -> Any:
            tried.append(path)
            Path(path).parent.rmdir()
            return reactor.listenUNIX(path, *arguments, **options)

    with pytest.raises(Unusable, match=r"cannot be used: No such file or directory\.$"):
        Place(Reactor(), folder, "one", "a").open(host())
    assert len(tried) == 10


@pytest_twisted.ensureDeferred
async def test_whoever_comes_takes_away_what_others_have_left(folder: Path) -> None:
    (folder / "one").mkdir(0o700, parents=True)
    folder.chmod(0o700)
    for name, age in (("killed", 3600), ("new", 0)):
        path = folder / "one" / name
        with socket.socket(socket.AF_UNIX) as killed:
            killed.bind(str(path))
        os.utime(path, (time.time() - age,) * 2)
    place = Place(reactor, folder, "one", "a")
    place.open(host())
    assert place.names() == ["new"]
    (folder / "one" / "new").unlink()
    await place.close()


@pytest.mark.parametrize("tidied", ["link", "link/one", "link/one/a"])
@pytest_twisted.ensureDeferred
async def test_where_somebody_has_tidied_up_nobody_is_there_and_it_ends_all_the_same(
    folder: Path, tidied: str
) -> None:
    place = Place(reactor, folder, "one", "a")
    place.open(host())
    gone = folder.parent / tidied
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    assert place.names() == []
    closed = place.close()
    # For a moment it is there again, and as private as it was.
    assert (mode(folder), mode(folder / "one"), mode(folder / "one" / "a")) == (0o700, 0o700, 0o600)
    await soon(closed)
    assert list(folder.iterdir()) == []
