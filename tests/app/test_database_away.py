"""Databases that go away, or fail in part: whether they are called well, and what is left of them."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from threading import Event

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs, formatEvent

from tests.support import postgres
from tests.support.databases import new_url, open_database, reactor, url
from yekta.app.database import Database, DatabaseError
from yekta.app.database_drivers import driver_for

__all__ = ["url"]

ADD = "INSERT INTO ended_sessions (sequence, session_id, reason, ended_at) VALUES (?, ?, 'x', 0)"
COUNT = "SELECT count(*) FROM ended_sessions"
READ_ONLY = {
    "sqlite": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
    "postgresql": ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off"),
}


@pytest_twisted.ensureDeferred
async def test_who_can_read_but_not_write_is_not_well_until_a_write_succeeds(url: str) -> None:
    database = await open_database(url, reactor, connections=1)
    read_only, writable = READ_ONLY[url.partition(":")[0]]
    await database.query(read_only)
    # Nobody has tried, and no check does.
    assert await database.healthy()
    with pytest.raises(DatabaseError):
        await database.change(lambda transaction: transaction.run(ADD, 1, "a"))
    assert [await database.healthy() for _ in range(2)] == [False, False]
    assert await database.query(COUNT) == [(0,)]
    await database.query(writable)
    assert await database.healthy()
    [before] = await database.query("SELECT sequence FROM ended_counter")
    assert await database.healthy()
    assert await database.query("SELECT sequence FROM ended_counter") == [before]
    await database.close()


@pytest_twisted.ensureDeferred
async def test_one_whose_tables_cannot_be_read_is_not_well(url: str) -> None:
    database = await open_database(url, reactor, connections=1)
    await database.query("ALTER TABLE ended_counter RENAME TO elsewhere")
    with capturedLogs() as logs:
        assert [await database.healthy() for _ in range(2)] == [False, False]
        await database.query("ALTER TABLE elsewhere RENAME TO ended_counter")
        assert [await database.healthy() for _ in range(2)] == [True, True]
    told = [formatEvent(log).partition(":")[0] for log in logs]
    assert told == ["The database is not well", "The database is well again."]
    await database.query("DELETE FROM ended_counter")
    assert not await database.healthy()
    await database.close()


@pytest.mark.needs("postgres")
@pytest_twisted.ensureDeferred
async def test_who_may_not_write_is_not_well(tmp_path: Path) -> None:
    database = await open_database(new_url("postgresql", tmp_path), reactor, connections=1)
    for statement in ("CREATE ROLE reader", "GRANT SELECT ON ended_counter TO reader", "SET ROLE reader"):
        await database.query(statement)
    with pytest.raises(DatabaseError):
        await database.change(lambda transaction: transaction.run(ADD, 1, "a"))
    assert not await database.healthy()
    for statement in ("RESET ROLE", "DROP OWNED BY reader", "DROP ROLE reader"):
        await database.query(statement)
    assert await database.healthy()
    await database.close()


@pytest.mark.parametrize("change", ["nothing", "another", "a folder"])
@pytest_twisted.ensureDeferred
async def test_a_file_that_is_no_longer_in_its_place_is_not_made_anew_and_not_well(
    tmp_path: Path, change: str
) -> None:
    file = tmp_path / "test.db"
    database = await open_database(f"sqlite:///{file}", reactor, connections=2)
    file.rename(tmp_path / "away")
    if change == "another":
        (tmp_path / "other").touch()
        (tmp_path / "other").rename(file)
    elif change == "a folder":
        file.mkdir()
    assert not await database.healthy()
    # Two at a time: one of them needs a second connection, and who has failed may take the other's thread at once.
    leave = Event()
    first = Deferred.fromCoroutine(database.change(lambda transaction: leave.wait(30)))
    second = Deferred.fromCoroutine(database.query(COUNT)).addBoth(lambda result: (leave.set(), result)[1])
    ended = await DeferredList([first, second], consumeErrors=True)
    failures = [result for succeeded, result in ended if not succeeded]
    assert failures
    assert all(failure.check(DatabaseError) for failure in failures)
    assert file.exists() is (change != "nothing")
    if change == "a folder":
        file.rmdir()
    os.replace(tmp_path / "away", file)
    assert await database.healthy()
    await database.close()


@pytest.mark.needs("postgres")
@pytest_twisted.ensureDeferred
async def test_nothing_is_left_of_a_connection_to_who_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        port = listener.getsockname()[1]
        url = f"postgresql://u@127.0.0.1:{port}/d?connect_timeout=2&sslmode=disable&gssencmode=disable"
        database = Database(driver_for(url), reactor, connections=1)
        asked = Deferred.fromCoroutine(database.query(COUNT))
        accepted, _ = await deferToThread(listener.accept)
        with pytest.raises(DatabaseError, match="timeout"):
            await asked
    with accepted:
        # The server sees it go at once, without the collector's help.
        accepted.settimeout(5)
        while await deferToThread(accepted.recv, 4096):
            pass
    await database.close()


@pytest.mark.needs("postgres")
@pytest_twisted.ensureDeferred
async def test_nobody_connects_for_those_who_no_longer_wait() -> None:
    """A server that says nothing takes seconds for each, and all of them are waited for at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        url = f"postgresql://u@127.0.0.1:{port}/d?connect_timeout=2&sslmode=disable&gssencmode=disable"
        database = Database(driver_for(url), reactor, connections=1, timeout=0.1)
        asked = [Deferred.fromCoroutine(database.query(COUNT)) for _ in range(4)]
        ended = await DeferredList(asked, consumeErrors=True)
        assert all(failure.check(DatabaseError) for _, failure in ended)
        await database.close(grace=30)
        listener.setblocking(False)
        accepted = [listener.accept()[0]]
        with pytest.raises(BlockingIOError):
            accepted.append(listener.accept()[0])
        for each in accepted:
            each.close()


@pytest.mark.needs("postgres")
@pytest_twisted.ensureDeferred
async def test_a_server_that_comes_back_is_used_again(tmp_path: Path) -> None:
    database = await open_database(new_url("postgresql", tmp_path), reactor)
    # It is stopped as by a crash, and would lose the tables.
    await database.query("CHECKPOINT")
    postgres.shared().stop()
    try:
        assert not await database.healthy()
        assert not await database.healthy()
    finally:
        postgres.shared().start()
    assert await database.healthy()
    await database.close()
