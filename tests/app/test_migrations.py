"""The schema, which whoever comes first brings up to date."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults

from tests.support.databases import database, new_url, open_database, reactor, url
from yekta.app.database import Database, DatabaseError, prepare
from yekta.app.migrations import MIGRATIONS, migrate

__all__ = ["database", "url"]


@pytest_twisted.ensureDeferred
async def test_the_schema_is_made_once_by_whoever_is_first(url: str) -> None:
    opened = await gatherResults([Deferred.fromCoroutine(open_database(url, reactor)) for _ in range(6)])
    assert await opened[0].query("SELECT version FROM schema_version") == [(len(MIGRATIONS),)]
    assert await opened[5].query("SELECT sequence FROM ended_counter") == [(0,)]
    await gatherResults([Deferred.fromCoroutine(database.close()) for database in opened])


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
    with pytest.raises(DatabaseError, match=f"DATABASE_URL has schema version {len(newer)}"):
        await open_database(url, reactor)


def test_a_schema_that_cannot_be_brought_up_to_date_is_left_as_it_was(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "test.db")) as before:
        before.execute("CREATE TABLE turns (somebody_elses TEXT)")
    with pytest.raises(DatabaseError, match=r"failed: table turns already exists\.$"):
        prepare(new_url("sqlite", tmp_path))
    with closing(sqlite3.connect(tmp_path / "test.db")) as after:
        assert after.execute("SELECT name FROM sqlite_master").fetchall() == [("turns",)]
