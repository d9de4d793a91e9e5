"""The database, on a real SQLite file and a real PostgreSQL server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred, gatherResults

from tests.support import postgres
from tests.support.databases import database, new_url, open_database, reactor, url
from yekta.app.database import Database, DatabaseError, Transaction, prepare
from yekta.app.database_drivers import driver_for
from yekta.app.migrations import MIGRATIONS, migrate

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
async def test_the_schema_is_made_once_by_whoever_is_first(url: str) -> None:
    opened = await gatherResults([task(open_database(url, reactor)) for _ in range(6)])
    assert await opened[0].query("SELECT version FROM schema_version") == [(len(MIGRATIONS),)]
    assert await opened[5].query("SELECT sequence FROM ended_counter") == [(0,)]
    await gatherResults([task(database.close()) for database in opened])


def test_processes_that_start_together_open_one_new_file(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from twisted.internet import reactor, task\n"
        "from twisted.internet.defer import Deferred\n"
        "from tests.support.databases import open_database\n"
        "async def main():\n"
        "    await (await open_database(sys.argv[1], reactor)).close()\n"
        "task.react(lambda _: Deferred.fromCoroutine(main()))\n"
    )
    command = [sys.executable, "-c", program, new_url("sqlite", tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [(b"", 0)] * 4


@pytest_twisted.ensureDeferred
async def test_a_newer_schema_is_refused(database: Database, url: str) -> None:
    newer = (*MIGRATIONS, ("CREATE TABLE later (id TEXT)",))
    await database.change(lambda transaction: migrate(transaction, newer))
    assert await database.query("SELECT count(*) FROM later") == [(0,)]
    with pytest.raises(DatabaseError, match=f"schema version {len(newer)}"):
        await open_database(url, reactor)


@pytest_twisted.ensureDeferred
async def test_a_statement_that_takes_too_long_is_ended_and_the_next_one_works(url: str) -> None:
    database = await open_database(url, reactor, connections=1, timeout=1.5)
    with pytest.raises(DatabaseError, match=r"within 1\.5 seconds"):
        await database.query(ENDLESS[kind_of(url)])
    # With its one connection busy, this would not be answered in time.
    assert await database.healthy()
    await database.close()


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
async def test_a_caller_may_go_away(database: Database) -> None:
    write = task(database.change(lambda transaction: transaction.run(ADD, 1, "a")))
    write.cancel()
    with pytest.raises(CancelledError):
        await write
    await database.close()


def test_the_file_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        prepare(new_url("sqlite", tmp_path))
    finally:
        os.umask(previous)
    assert (tmp_path / "test.db").stat().st_mode & 0o777 == 0o600


@pytest_twisted.ensureDeferred
async def test_sqlite_writes_ahead(tmp_path: Path) -> None:
    database = await open_database(new_url("sqlite", tmp_path), reactor)
    assert await database.query("PRAGMA journal_mode") == [("wal",)]
    assert await database.query("PRAGMA foreign_keys") == [(1,)]
    assert await database.query("PRAGMA cache_size") == [(-256,)]
    assert [file.stat().st_mode & 0o777 for file in tmp_path.iterdir()] == [0o600] * 3
    await database.close()


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "mysql://u:hunter2@h/d",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:////no/such/folder/y.db",
        "sqlite:////tmp",
        "postgresql://u:hunter2@h:port/d",
        "postgresql://u:hun@ter2@h/d",
        "postgresql://u:hun/ter2@h/d",
        "postgresql://u:hunter2@h/d?no_such_option=hunter2",
        "postgresql://u:hunter2@127.0.0.1:1/d?password=hunter2",
        "postgresql://u:hunter2@/d?host=/no/such/socket",
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_url_that_leads_nowhere_is_one_sentence_without_the_password(bad: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        await open_database(bad, reactor)
    sentence = str(caught.value)
    assert "DATABASE_URL" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "hun" not in sentence
    assert "ter2" not in sentence


def test_the_driver_hides_the_password() -> None:
    driver = driver_for("postgresql://user:hunter2@db.example:5433/name?password=hunter2")
    assert driver.shown == "postgresql://user:***@db.example:5433/name"
    assert "hunter2" not in repr(driver)
    assert driver.arguments["connect_timeout"] == 5
    assert driver_for("postgresql://h/d?connect_timeout=9").arguments["connect_timeout"] == "9"


def test_a_database_is_the_same_by_whatever_way_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    urls = ("sqlite:///a.db", f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/link/a.db")
    assert len({driver_for(url).identity for url in urls}) == 1
    assert driver_for("sqlite:///b.db").identity != driver_for("sqlite:///a.db").identity


def test_a_server_is_the_same_by_whatever_way_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    one = driver_for("postgresql://sara:hunter2@h:5433/d").identity
    for other in ("postgres://sara:changed@h:5433/d?connect_timeout=9", "postgresql:///d?host=h&port=5433&user=sara"):
        assert driver_for(other).identity == one
    for another in ("postgresql://sara@h:5433/e", "postgresql://sara@h/d", "postgresql://sara@i:5433/d"):
        assert driver_for(another).identity != one
    monkeypatch.setenv("PGHOST", "h")
    assert driver_for("postgresql://sara@:5433/d").identity == one


@pytest_twisted.ensureDeferred
async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "test.db").write_text("This is a letter. " * 100)
    with pytest.raises(DatabaseError, match="DATABASE_URL"):
        await open_database(new_url("sqlite", tmp_path), reactor)


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


@pytest.mark.needs("postgres")
@pytest_twisted.ensureDeferred
async def test_a_server_that_comes_back_is_used_again(tmp_path: Path) -> None:
    database = await open_database(new_url("postgresql", tmp_path), reactor)
    postgres.shared().stop()
    try:
        assert not await database.healthy()
        assert not await database.healthy()
    finally:
        postgres.shared().start()
    assert await database.healthy()
    await database.close()
