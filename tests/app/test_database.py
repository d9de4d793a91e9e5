"""The database, on a real SQLite file and a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from threading import Event, get_ident
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread

from tests.support.databases import database, new_url, open_database, reactor, url
from yekta.app.database import Database, DatabaseError, Transaction
from yekta.app.database_drivers import driver_for

__all__ = ["database", "url"]

ADD = "INSERT INTO ended_sessions (sequence, session_id, reason, ended_at) VALUES (?, ?, 'x', 0)"
COUNT = "SELECT count(*) FROM ended_sessions"
ENDLESS = {
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}
CUT_AT_COMMIT = (
    "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON ended_sessions "
    "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()",
)


def task(coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
    return Deferred.fromCoroutine(coroutine)


def kind_of(url: str) -> str:
    return url.partition(":")[0]


@pytest_twisted.ensureDeferred
async def test_what_is_written_is_read_and_survives(database: Database, url: str) -> None:
    await database.change(lambda transaction: transaction.run(ADD, 1, "a"))
    assert await database.query("SELECT sequence, session_id FROM ended_sessions") == [(1, "a")]
    again = await open_database(url, reactor)
    assert await again.query(COUNT) == [(1,)]
    await again.close()


@pytest_twisted.ensureDeferred
async def test_work_that_raises_changes_nothing(database: Database) -> None:
    def work(transaction: Transaction) -> None:
        transaction.run(ADD, 1, "a")
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await database.change(work)
    assert await database.query(COUNT) == [(0,)]


@pytest_twisted.ensureDeferred
async def test_concurrent_transactions_wait_for_each_other(database: Database) -> None:
    def work(transaction: Transaction) -> int:
        [[sequence]] = transaction.run("UPDATE ended_counter SET sequence = sequence + 1 RETURNING sequence")
        return sequence

    results = await gatherResults([task(database.change(work)) for _ in range(40)])
    assert sorted(results) == list(range(1, 41))


@pytest_twisted.ensureDeferred
async def test_an_error_repeats_no_parameter(database: Database) -> None:
    await database.change(lambda transaction: transaction.run(ADD, 1, "secret"))
    with pytest.raises(DatabaseError) as caught:
        await database.change(lambda transaction: transaction.run(ADD, 1, "secret"))
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest_twisted.ensureDeferred
async def test_a_statement_that_takes_too_long_is_ended_and_the_next_one_works(url: str) -> None:
    database = await open_database(url, reactor, connections=1, timeout=1.5)
    with pytest.raises(DatabaseError, match=r"within 1\.5 seconds"):
        await database.query(ENDLESS[kind_of(url)])
    # With its one connection busy, this would not be answered in time.
    assert await database.healthy()
    await database.close()


class Clocked(Clock):
    """The reactor, with a time of its own."""

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)


@pytest_twisted.ensureDeferred
async def test_what_was_given_up_before_its_turn_came_is_never_done(url: str) -> None:
    clock: Any = Clocked()
    database = await open_database(url, clock, connections=1, timeout=10.0)
    begun: list[str] = []
    begins: Deferred[None] = Deferred()
    go_on = Event()

    def work(transaction: Transaction, name: str) -> None:
        begun.append(name)
        reactor.callFromThread(begins.callback, None)
        go_on.wait()

    both = [task(database.change(partial(work, name=name))) for name in ("first", "second")]
    await begins
    clock.advance(10.0)
    for each in both:
        with pytest.raises(DatabaseError, match="within 10 seconds"):
            await each
    go_on.set()
    await database.close()
    assert begun == ["first"]
    assert clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_closing_does_not_wait_for_an_endless_statement(url: str) -> None:
    database = await open_database(url, reactor)
    endless = task(database.query(ENDLESS[kind_of(url)]))
    await database.close(grace=0.05)
    with pytest.raises(DatabaseError):
        await endless
    with pytest.raises(DatabaseError, match="closed"):
        await database.query("SELECT 1")
    assert not await database.healthy()
    await database.close()


@pytest_twisted.ensureDeferred
async def test_closing_waits_for_what_will_soon_be_done(database: Database, url: str) -> None:
    writes = [task(database.change(lambda transaction, i=i: transaction.run(ADD, i, "a"))) for i in range(20)]
    await database.close()
    await gatherResults(writes)
    again = await open_database(url, reactor)
    assert await again.query(COUNT) == [(20,)]
    await again.close()


@pytest_twisted.ensureDeferred
async def test_too_many_statements_are_refused_at_once(url: str) -> None:
    database = await open_database(url, reactor, waiting=2)
    first = [task(database.query("SELECT 1")) for _ in range(2)]
    with pytest.raises(DatabaseError, match="2 statements wait"):
        await database.query("SELECT 1")
    assert await gatherResults(first) == [[(1,)], [(1,)]]
    assert await database.healthy()
    await database.close()


@pytest_twisted.ensureDeferred
async def test_there_are_no_more_connections_than_there_may_be(url: str) -> None:
    opened: list[Any] = []
    driver = attrs.evolve(driver_for(url), opened=opened.append)
    driver.create()
    database = Database(driver, reactor, connections=2)
    await gatherResults([task(database.query("SELECT 1")) for _ in range(40)])
    await database.close()
    assert 0 < len(opened) <= 2


@pytest_twisted.ensureDeferred
async def test_one_connection_to_sqlite_writes_while_the_others_read(tmp_path: Path) -> None:
    database = await open_database(new_url("sqlite", tmp_path), reactor, connections=3)
    leave = Event()

    def work(_: Transaction) -> int:
        assert leave.wait(30)
        return get_ident()

    writers = gatherResults([task(database.change(work)) for _ in range(3)])
    # As many at once as may read.
    assert await gatherResults([task(database.query(COUNT)) for _ in range(2)]) == [[(0,)], [(0,)]]
    leave.set()
    assert len(set(await writers)) == 1
    await database.close()


@pytest_twisted.ensureDeferred
async def test_erasing_keeps_no_reader_and_takes_its_turn_among_writers(tmp_path: Path) -> None:
    """It takes as long as the disk does: a writer that had begun meanwhile would wait for the file, and give it up."""
    erasing, leave = Event(), Event()

    def erase(_: Any) -> bool:
        erasing.set()
        return leave.wait(30)

    driver = attrs.evolve(driver_for(new_url("sqlite", tmp_path)), erase=erase)
    driver.create()
    database = Database(driver, reactor, connections=2)
    erased, written = task(database.erase()), task(database.change(lambda _: leave.is_set()))
    assert await deferToThread(erasing.wait, 30)
    assert await database.query("SELECT 1") == [(1,)]
    leave.set()
    assert await gatherResults([erased, written]) == [True, True]
    await database.close()


@pytest_twisted.ensureDeferred
async def test_a_caller_may_go_away(database: Database) -> None:
    write = task(database.change(lambda transaction: transaction.run(ADD, 1, "a")))
    write.cancel()
    with pytest.raises(CancelledError):
        await write
    await database.close()


@pytest.mark.needs("postgres")
@pytest_twisted.ensureDeferred
async def test_dead_connections_are_replaced_unnoticed(tmp_path: Path) -> None:
    url = new_url("postgresql", tmp_path)
    database = await open_database(url, reactor)
    killer = await open_database(url, reactor)
    kill = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert (True,) in await killer.query(kill)
    await database.change(lambda transaction: transaction.run(ADD, 1, "a"))
    assert (True,) in await killer.query(kill)
    assert await database.query(COUNT) == [(1,)]
    await database.close()
    await killer.close()


@pytest.mark.needs("postgres")
@pytest_twisted.ensureDeferred
async def test_work_whose_commit_may_have_happened_is_not_repeated(tmp_path: Path) -> None:
    url = new_url("postgresql", tmp_path)
    database, killer = [await open_database(url, reactor) for _ in range(2)]
    # Checked at the commit: there the trigger cuts its own connection.
    await killer.change(lambda transaction: [transaction.run(sql) for sql in CUT_AT_COMMIT])
    runs: list[int] = []

    def work(transaction: Transaction) -> None:
        runs.append(1)
        transaction.run(ADD, 1, "a")

    with pytest.raises(DatabaseError):
        await database.change(work)
    assert runs == [1]
    assert await database.healthy()
    await database.close()
    await killer.close()
