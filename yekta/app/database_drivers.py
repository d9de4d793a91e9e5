"""What differs between SQLite and PostgreSQL, and nothing else.

A :class:`Driver` is read from a ``DATABASE_URL``; it knows no query and no thread pool. Both databases run in
autocommit mode with explicit transactions, and share one text of SQL with ``?`` for its parameters.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import attrs

# Seconds a writer waits for another process to finish its transaction on the same SQLite file.
SQLITE_BUSY_TIMEOUT = 5.0

# KiB of pages that each database thread keeps of an SQLite file. The system keeps them too: what is not here costs a
# system call. SQLite's 2,000 fill as sessions are looked up, and would cost each of some thousand clients 250 bytes.
SQLITE_CACHE = 256

# Pages of the write-ahead log after which it is copied into the file and both are synced, while writers wait: with
# SQLite's 1,000 every few hundred sessions. The log is as long, 16 MB.
SQLITE_CHECKPOINT = 4000

# After how many seconds (milliseconds for the last) a silent server is given up. The URL may say otherwise.
POSTGRESQL_DEFAULTS = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

# Which parameters of libpq's make it another database.
_WHICH = ("service", "host", "hostaddr", "port", "dbname", "user", "options")

# SQLite's primary result codes, and PostgreSQL's: disk_full, io_error, read_only_sql_transaction and
# insufficient_privilege.
_SQLITE_UNWRITABLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)
_POSTGRESQL_UNWRITABLE = ("53100", "58030", "25006", "42501")

# Any number will do that no other program takes as an advisory lock in the same database ("yekta" in ASCII).
_SCHEMA_LOCK = 0x79656B7461


class DatabaseError(Exception):
    """The database cannot be reached, or refuses. One sentence for the operator, without any parameter."""


@attrs.frozen
class Driver:
    """How to connect to one database, and the few things it says in its own way."""

    #: The URL as it may be shown: without the password.
    shown: str
    #: The same for every process that opens this database and for no other, and without its password.
    identity: str
    #: The DB-API 2.0 module, by name, and what its ``connect`` is called with.
    module: str
    arguments: dict[str, Any] = attrs.field(repr=False)
    #: Makes sure that there is something to connect to. Raises `DatabaseError`.
    create: Callable[[], object]
    #: The base of the module's exceptions, and which of them has a text about the server or the file, never about data.
    error: type[Exception]
    is_operational: Callable[[BaseException], bool]
    #: Which of them says that nothing can be written: there is no room, or a server that only reads has taken over.
    is_unwritable: Callable[[Any], bool]
    #: Called in a database thread with every new connection.
    opened: Callable[[Any], object]
    #: Called in a database thread. Raises ``error`` where what was created or found at first is there no more.
    verify: Callable[[], object]
    #: Whether one transaction that writes has to end before the next begins.
    writes_alone: bool
    #: SQL that begins a transaction which is going to write.
    begin: str
    #: SQL that, inside such a transaction, keeps other processes from changing the schema.
    schema_lock: str
    #: SQL that finds a table by its name.
    find_table: str
    #: How this database spells ``?``.
    placeholder: str
    #: Whether a connection that failed is beyond use.
    is_lost: Callable[[Any], bool]
    #: Called in a database thread, with a cursor outside a transaction: what was deleted leaves the files beside the
    #: database. ``False`` where others keep it from doing so; nobody is waited for.
    erase: Callable[[Any], bool]
    #: Ends what another thread is waiting for on this connection.
    interrupt: Callable[[Any], object]

    def adapt(self, sql: str) -> str:
        """``sql`` with its ``?`` in this database's spelling."""
        return sql if self.placeholder == "?" else sql.replace("?", self.placeholder)


def driver_for(url: str) -> Driver:
    """The driver for ``sqlite:///relative``, ``sqlite:////absolute`` or any ``postgresql://`` of libpq.

    Raises :class:`DatabaseError`, which never quotes a password.
    """
    scheme = url.partition(":")[0]
    if url.startswith("sqlite:///"):
        return _sqlite(Path(unquote(url.removeprefix("sqlite:///"))), url)
    if scheme in ("postgresql", "postgres"):
        return _postgresql(url)
    raise DatabaseError("DATABASE_URL must begin with sqlite:/// or postgresql://.")


def _sqlite(path: Path, shown: str) -> Driver:
    if path.name in ("", ":memory:"):
        raise DatabaseError(f"DATABASE_URL ({shown}) must name a file.")
    if not path.parent.is_dir():
        raise DatabaseError(f"DATABASE_URL ({shown}): the folder {path.parent} does not exist.")
    file = _File(path, shown)
    return Driver(
        shown=shown,
        identity=_digest(os.path.realpath(path)),
        module="sqlite3",
        arguments={
            "database": file.uri,
            "uri": True,
            "timeout": SQLITE_BUSY_TIMEOUT,
            "isolation_level": None,
            # adbapi keeps each connection to one thread, but closes them all from the reactor's.
            "check_same_thread": False,
        },
        create=file.create,
        error=sqlite3.Error,
        is_operational=_is_about_the_file,
        is_unwritable=lambda error: getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE_UNWRITABLE,
        opened=file.opened,
        verify=file.verify,
        writes_alone=True,
        begin="BEGIN IMMEDIATE",
        schema_lock="SELECT 1",  # BEGIN IMMEDIATE has locked the file already.
        find_table="SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
        placeholder="?",
        is_lost=lambda connection: False,
        erase=_checkpoint,
        interrupt=lambda connection: connection.interrupt(),
    )


def _is_about_the_file(error: BaseException) -> bool:
    # A file that is no database, or no longer one, has no class of its own: the others derive from this one.
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError


@attrs.define(eq=False)
class _File:
    """An SQLite file. A connection that finds another in its place, or none, is refused: it would not see what is
    written over older ones, which have the one that was opened at first, whatever became of its name.
    """

    _path: Path
    _shown: str
    # Its device and its number there, once it was opened.
    _known: tuple[int, int] | None = None

    @property
    def uri(self) -> str:
        """As SQLite reads it; it makes no file, as `create` does."""
        return f"file:{'//' if self._path.is_absolute() else ''}{quote(os.fsencode(self._path))}?mode=rw"

    def create(self) -> None:
        """Make the file before SQLite does, for its owner alone. SQLite gives its WAL files the same mode."""
        try:
            number = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DatabaseError(f"DATABASE_URL ({self._shown}): {error.strerror or error}.") from None
        self._known = _which(os.fstat(number))
        os.close(number)

    def opened(self, connection: sqlite3.Connection) -> None:
        self.verify()
        _set_pragmas(connection)

    def verify(self) -> None:
        try:
            found = _which(os.stat(self._path))
        except OSError as error:
            raise sqlite3.OperationalError(error.strerror or str(error)) from None
        if self._known not in (found, None):
            raise sqlite3.OperationalError("another file is in its place")


def _which(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _set_pragmas(connection: sqlite3.Connection) -> None:
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    # What is deleted is overwritten, also where whoever built SQLite has not seen to it: the file would keep the text.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{SQLITE_CACHE}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {SQLITE_CHECKPOINT}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn WAL on, in a database thread. SQLite's busy timeout does not cover two processes that do so at once."""
    deadline = time.monotonic() + SQLITE_BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def _checkpoint(cursor: sqlite3.Cursor) -> bool:
    # Whoever waits for readers here keeps all writers waiting.
    cursor.execute("PRAGMA busy_timeout = 0")
    try:
        [(is_busy, *_)] = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT * 1000:.0f}")
    return not is_busy


def _postgresql(url: str) -> Driver:
    try:
        import psycopg
        from psycopg import pq
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise DatabaseError("DATABASE_URL asks for PostgreSQL, but psycopg is not installed.") from None
    shown = _without_password(url)
    try:
        arguments = POSTGRESQL_DEFAULTS | conninfo_to_dict(url)
    except (psycopg.Error, UnicodeEncodeError):
        # The parser's own words may quote a piece of the password.
        raise DatabaseError(f"DATABASE_URL ({shown}) is not a valid PostgreSQL URL.") from None
    defaults = {each.keyword.decode(): each.val.decode() for each in pq.Conninfo.get_defaults() if each.val}
    return Driver(
        shown=shown,
        # With what libpq has from the environment.
        identity=_digest(*(str((defaults | arguments).get(name)) for name in _WHICH)),
        module="psycopg",
        arguments=arguments | {"autocommit": True},
        create=lambda: None,
        error=psycopg.Error,
        is_operational=lambda error: isinstance(error, psycopg.OperationalError),
        is_unwritable=lambda error: getattr(error, "sqlstate", None) in _POSTGRESQL_UNWRITABLE,
        opened=lambda connection: None,
        verify=lambda: None,
        writes_alone=False,
        begin="BEGIN",
        schema_lock=f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})",
        # Wherever the search path finds it, as a statement would.
        find_table="SELECT 1 WHERE to_regclass(?) IS NOT NULL",
        placeholder="%s",
        is_lost=lambda connection: bool(connection.closed),
        # Its log is of its server's files, and for its operator to keep or not.
        erase=lambda cursor: True,
        interrupt=_hang_up,
    )


def _digest(*parts: str) -> str:
    # A path may have any bytes.
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()[:16]


def _without_password(url: str) -> str:
    """The URL's scheme, user, host, port and database; not its options, one of which may be ``password``."""
    try:
        parts = urlsplit(url)
        address = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    except ValueError:
        parts, address = urlsplit(""), "@"
    if "@" in (parts.username or "") + (parts.password or "") + address:
        raise DatabaseError("DATABASE_URL cannot be read; inside a password @, : and / are %40, %3A and %2F.")
    user = parts.username or ""
    hidden = ":***" if parts.password else ""
    return f"{parts.scheme}://{user}{hidden}{'@' if user else ''}{address}{parts.path}"


def _hang_up(connection: Any) -> None:
    """Shut the socket: it wakes the thread that waits for it, even where the server never answers again."""
    import psycopg

    # That thread may have lost it at this moment.
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as link:
        link.shutdown(socket.SHUT_RDWR)
