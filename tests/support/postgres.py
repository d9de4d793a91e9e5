"""A real PostgreSQL cluster for one test session: made in a temporary folder, reached by a Unix socket, thrown away.

PostgreSQL refuses to run as root; for root it runs as ``postgres`` or ``nobody``.
"""

from __future__ import annotations

import atexit
import functools
import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import attrs

# No durability is needed, and the fewest processes.
OPTIONS = (
    "-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off "
    "-c max_connections=100 -c shared_buffers=16MB -c autovacuum=off -c logging_collector=off"
)


@attrs.define(eq=False)
class Cluster:
    """A running server. ``folder`` holds its data and its socket."""

    folder: Path
    _binaries: Path
    _databases: int = 0

    def new_database(self) -> str:
        """The URL of an empty database of its own."""
        self._databases += 1
        name = f"test_{self._databases}"
        self._run("createdb", "--host", str(self.folder), "--username", "test", name)
        return f"postgresql://test@/{name}?host={quote(str(self.folder), safe='')}"

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-w", "-s", "-D", self._data, "-l", log, "-o", f"-k {self.folder} {OPTIONS}")

    def stop(self) -> None:
        """Stop the server at once, cutting every connection."""
        self._run("pg_ctl", "stop", "-w", "-s", "-m", "immediate", "-D", self._data)

    def create(self) -> None:
        """Make the data folder."""
        self._run("initdb", "-D", self._data, "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync")

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._binaries / program), *arguments],
            check=True,
            user=_user(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"LC_ALL": "C"},
        )


def available() -> str | None:
    """Why no cluster can be started, or ``None`` where one can."""
    if _binaries() is None:
        return "PostgreSQL's server programs (initdb, pg_ctl, postgres) are not installed."
    try:
        _user()
    except LookupError as error:
        return str(error)
    return None


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running cluster, removed at the end. Raises :class:`RuntimeError` where :func:`available` has a reason."""
    reason, binaries = available(), _binaries()
    if reason is not None or binaries is None:
        raise RuntimeError(reason)
    # Not pytest's own folder: a socket's path has at most 107 bytes, and another user must reach it.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    made = Cluster(folder, binaries)
    try:
        if (user := _user()) is not None:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
            folder.chmod(0o755)
        made.create()
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder)


@functools.cache
def shared() -> Cluster:
    """One cluster for all tests of this process, started by the first that asks and removed when Python exits."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(cluster())


def _user() -> str | None:
    """Whom to run as: root needs somebody else."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return name
    raise LookupError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody.")


def _binaries() -> Path | None:
    """The folder of the server programs: Debian keeps them off the PATH."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    if shutil.which("pg_config"):
        found = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        folders.insert(0, found.stdout.strip())
    if on_path := shutil.which("initdb"):
        folders.append(str(Path(on_path).resolve().parent))
    for folder in map(Path, folders):
        if all((folder / program).is_file() for program in ("initdb", "pg_ctl", "postgres", "createdb")):
            return folder
    return None
