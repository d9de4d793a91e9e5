"""One SQL database, SQLite or PostgreSQL, behind a Twisted thread pool.

Knows no table. Every statement runs in a database thread; what it returns arrives in the reactor's.
Bounded on all sides: connections, waiting statements, and the time that anybody waits for one.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, NoReturn, TypeVar

import attrs
from twisted.enterprise import adbapi
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorCore, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta.app.database_drivers import DatabaseError, Driver, driver_for
from yekta.app.errors import forget_frames
from yekta.app.migrations import WRITE, migrate
from yekta.app.transaction import Row, Transaction

__all__ = ["Database", "DatabaseError", "Row", "Transaction", "prepare"]

Result = TypeVar("Result")

_log = Logger()


class _Connection(adbapi.Connection):
    """adbapi's wrapper, but dropped quietly when it is beyond use; the thread's next job makes a new one.

    Made when it is used, and not before: one for each who no longer waits would be tried, and waited for at the end.
    """

    _connection: Any

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._connection = None

    def open(self) -> None:
        """Take the thread's connection, or make it."""
        if self._connection is None:
            self.reconnect()

    def reconnect(self) -> None:
        try:
            super().reconnect()
        except self._pool.dbapi.Error as error:
            # Psycopg's and its frames know each other: the socket of a server that said nothing in time would stay
            # open, and one of the server's places taken, until Python's collector comes.
            traceback.clear_frames(error.__traceback__)
            forget_frames(error)
            raise

    def rollback(self) -> None:
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        except self._pool.dbapi.Error:
            if self._connection in self._pool.connections.values():
                self._pool.disconnect(self._connection)


@attrs.define(eq=False)
class _Job:
    """A piece of work on its way through a database thread. The lock orders that thread and the reactor's."""

    work: Callable[[Transaction], Any]
    is_write: bool
    driver: Driver
    _lock: threading.Lock = attrs.field(factory=threading.Lock)
    _connection: Any = None
    _abandoned: bool = False
    _may_be_done: bool = False

    def run(self, connection: Any) -> Any:
        """In a database thread. Where the connection is found dead, begin once more on a new one."""
        if not self._abandoned:
            connection.open()
        try:
            return self._attempt(connection)
        except self.driver.error:
            if self._abandoned or self._may_be_done or not self.driver.is_lost(connection):
                raise
        connection.reconnect()
        return self._attempt(connection)

    def _attempt(self, connection: Any) -> Any:
        self._use(connection)
        try:
            cursor = connection.cursor()
            if self.is_write:
                cursor.execute(self.driver.begin)
            result = self.work(Transaction(self.driver, cursor))
            self._may_be_done = True
            connection.commit()
            return result
        finally:
            self._use(None)

    def _use(self, connection: Any) -> None:
        with self._lock:
            if connection is not None and self._abandoned:
                raise DatabaseError("Nobody waits for this statement any more.")
            self._connection = connection

    def abandon(self) -> None:
        """In the reactor's thread: nobody waits any more, so neither shall the database thread."""
        with self._lock:
            self._abandoned = True
            if self._connection is not None:
                self.driver.interrupt(self._connection)


class Database:
    """A database whose schema is up to date (`prepare`), with connections of this process, made when they are needed.

    ``connections``: the most that there are. ``waiting``: how many statements may be under way or queued. ``timeout``:
    seconds after which one is given up.
    """

    def __init__(
        self,
        driver: Driver,
        reactor: IReactorCore,
        *,
        connections: int = 4,
        waiting: int = 1000,
        timeout: float = 10.0,
    ) -> None:
        self._driver = driver
        self._clock = IReactorTime(reactor)
        self._waiting = waiting
        self._timeout = timeout
        self._jobs: set[_Job] = set()
        self._idle: Deferred[None] | None = None
        self._closed = False
        # Since a write could not be written, until one is.
        self._is_unwritable = False
        self._was_healthy = True
        # Where only one may write at a time, one connection does: others would wait for it, and each would find that
        # the pages it keeps have changed.
        writers = int(driver.writes_alone and connections > 1)
        self._pool = _make_pool(driver, reactor, connections - writers)
        self._writers = _make_pool(driver, reactor, writers) if writers else self._pool

    @property
    def busy(self) -> int:
        """How many statements are under way or queued."""
        return len(self._jobs)

    async def query(self, sql: str, *parameters: Any) -> list[Row]:
        """The rows of one reading statement. Raises :class:`DatabaseError`."""
        return await self._submit(lambda transaction: transaction.run(sql, *parameters), self._pool)

    async def change(self, work: Callable[[Transaction], Result]) -> Result:
        """Run ``work`` in a database thread, in a transaction that commits unless ``work`` raises.

        ``work`` is called a second time when the connection is found dead before the commit.
        Raises :class:`DatabaseError`, and whatever ``work`` raises.
        """
        return await self._submit(work, self._writers, is_write=True)

    async def healthy(self) -> bool:
        """Whether the database answers, and takes what is written: it is asked by a write after one has failed only.

        Logged when it changes.
        """
        try:
            if self._is_unwritable:
                await self.change(lambda transaction: transaction.run(WRITE))
                self._is_unwritable = False
            await self._submit(Transaction.verify, self._pool)
        except DatabaseError as error:
            if self._was_healthy:
                _log.warn("The database is not well: {reason}", reason=str(error))
            self._was_healthy = False
        else:
            if not self._was_healthy:
                _log.info("The database is well again.")
            self._was_healthy = True
        return self._was_healthy

    async def erase(self) -> bool:
        """Let nothing that was deleted stay in a log beside the database; ``False``: others are at work there.

        Raises :class:`DatabaseError`. Writers wait for it: ours in their queue, where none loses its patience with the
        file, and readers not at all.
        """
        return await self._submit(Transaction.erase, self._writers)

    async def close(self, grace: float = 2.0) -> None:
        """Refuse new work, wait ``grace`` seconds for what runs, interrupt the rest, disconnect."""
        if self._closed:
            return
        self._closed = True
        if self._jobs:
            self._idle = Deferred()
            await self._idle.addTimeout(grace, self._clock, lambda result, seconds: None)
        for job in self._jobs:
            job.abandon()
        for pool in {self._pool, self._writers}:
            pool.close()

    def _submit(
        self, work: Callable[[Transaction], Result], pool: Any, *, is_write: bool = False
    ) -> Deferred[Result]:
        if self._closed:
            return fail(DatabaseError("The database is closed."))
        if len(self._jobs) >= self._waiting:
            return fail(DatabaseError(f"{self._waiting} statements wait for the database already."))
        job = _Job(work, is_write, self._driver)
        self._jobs.add(job)
        answer: Deferred[Result] = Deferred()
        # The caller may go away at any time, the thread cannot: the job keeps its place until it is back.
        pool.runWithConnection(job.run).addBoth(self._settle, job, answer)
        return answer.addTimeout(self._timeout, self._clock, partial(self._late, job))

    def _settle(self, result: Any, job: _Job, answer: Deferred[Any]) -> None:
        self._jobs.discard(job)
        if job.is_write and isinstance(result, Failure) and self._driver.is_unwritable(result.value):
            self._is_unwritable = True
        if not answer.called:
            if isinstance(result, Failure) and isinstance(result.value, self._driver.error):
                answer.errback(DatabaseError(_describe(self._driver, result.value)))
            else:
                answer.callback(result)
        if self._idle is not None and not self._jobs and not self._idle.called:
            self._idle.callback(None)

    def _late(self, job: _Job, result: Any, seconds: float) -> NoReturn:
        job.abandon()
        raise DatabaseError(f"The database ({self._driver.shown}) did not answer within {seconds:g} seconds.")


def prepare(url: str) -> Driver:
    """Connect once, migrate, and hang up: for start-up, before the reactor runs. Raises :class:`DatabaseError`."""
    driver = driver_for(url)
    driver.create()
    try:
        connection = import_module(driver.module).connect(**driver.arguments)
        try:
            driver.opened(connection)
            cursor = connection.cursor()
            cursor.execute(driver.begin)
            migrate(Transaction(driver, cursor))
            connection.commit()
        finally:
            connection.close()
    except driver.error as error:
        raise DatabaseError(_describe(driver, error)) from None
    return driver


def _make_pool(driver: Driver, reactor: IReactorCore, connections: int) -> Any:
    make: Any = adbapi.ConnectionPool
    pool = make(
        driver.module,
        cp_min=1,
        cp_max=connections,
        cp_name="database",
        cp_openfun=driver.opened,
        cp_reactor=reactor,
        **driver.arguments,
    )
    pool.connectionFactory = _Connection
    return pool


def _describe(driver: Driver, error: BaseException) -> str:
    """A sentence. Only an operational error's own text is quoted: others may repeat a query's parameters."""
    lines = str(error).splitlines() if driver.is_operational(error) else []
    reason = lines[0] if lines else type(error).__name__
    return f"The database of DATABASE_URL ({driver.shown}) failed: {reason.rstrip('.')}."
