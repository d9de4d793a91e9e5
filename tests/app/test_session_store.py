"""What every session store promises, asked of each: in memory, on SQLite, on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults

from tests.support.databases import POSTGRESQL, database, new_url, open_database, reactor, url
from tests.support.session_stores import MemorySessionStore
from yekta.app.database import Database, Transaction
from yekta.app.database_session_store import PORTION, DatabaseSessionStore
from yekta.app.session_store import ENDED_KEPT, Ended, NewSession, Session, StoreUnavailable

__all__ = ["database", "url"]


class Stored(DatabaseSessionStore):
    """In a database, which is asked for what only tests want to know."""

    async def last_activity(self, session_id: str) -> float | None:
        """As that of `MemorySessionStore`."""
        rows = await self._query("SELECT last_activity_at FROM sessions WHERE id = ?", session_id)
        return rows[0][0] if rows else None


Store = MemorySessionStore | Stored

_LEFT = "SELECT (SELECT COUNT(*) FROM sessions), (SELECT COUNT(*) FROM ended_sessions)"
_SESSION = "INSERT INTO sessions VALUES (?, ?, NULL, FALSE, 1.0, 5.0, 1.0, '{}')"


@pytest_twisted.async_yield_fixture(params=["memory", "sqlite", POSTGRESQL])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemorySessionStore()
        return
    database = await open_database(new_url(request.param, tmp_path), reactor)
    yield Stored(database)
    await database.close()


def new(name: str, *, expires_at: float = 100.0, user_id: str | None = None) -> NewSession:
    session = Session(f"id-{name}", user_id, user_id is not None, expires_at)
    return NewSession(session, f"hash-{name}", 1.0, '{"ip":"::1"}')


@pytest.mark.parametrize("user_id", [None, "42"])
@pytest_twisted.ensureDeferred
async def test_what_is_added_is_found_by_its_hash_alone(store: Store, user_id: str | None) -> None:
    await store.add(new("a", user_id=user_id))
    found = await store.find("hash-a")
    assert found == Session("id-a", user_id, user_id is not None, 100.0)
    assert isinstance(found.is_logged_in, bool)
    assert await store.find("hash-b") is None
    assert await store.find("id-a") is None


@pytest_twisted.ensureDeferred
async def test_an_ended_session_is_gone_and_in_the_feed_once(store: Store) -> None:
    for name in "abc":
        await store.add(new(name))
    assert await store.ended_after(0, 10) == []
    assert await store.end("hash-b", "logged out", 5.0) == "id-b"
    assert await store.end("hash-a", "replaced", 6.0) == "id-a"
    assert await store.end("hash-a", "replaced", 7.0) is None
    assert await store.end("hash-x", "replaced", 7.0) is None
    assert await store.find("hash-a") is None
    assert await store.find("hash-c") is not None
    assert await store.ended_after(0, 10) == [Ended(1, "id-b", "logged out"), Ended(2, "id-a", "replaced")]


@pytest_twisted.ensureDeferred
async def test_the_feed_is_read_in_pieces(store: Store) -> None:
    for name in "abcde":
        await store.add(new(name))
        await store.end(f"hash-{name}", "x", 5.0)
    assert [ended.sequence for ended in await store.ended_after(1, 2)] == [2, 3]
    assert [ended.sequence for ended in await store.ended_after(3, 10)] == [4, 5]


@pytest_twisted.ensureDeferred
async def test_sessions_ended_at_once_get_a_place_each(store: Store) -> None:
    for number in range(20):
        await store.add(new(str(number)))
    ends = [Deferred.fromCoroutine(store.end(f"hash-{number}", "x", 5.0)) for number in range(20)]
    await gatherResults(ends)
    assert [ended.sequence for ended in await store.ended_after(0, 100)] == list(range(1, 21))


@pytest_twisted.ensureDeferred
async def test_purging_forgets_what_has_expired(store: Store) -> None:
    await store.add(new("old", expires_at=50.0))
    await store.add(new("new", expires_at=51.0))
    assert await store.find("hash-old") is not None
    await store.purge(50.0)
    assert await store.find("hash-old") is None
    assert await store.find("hash-new") is not None


@pytest_twisted.ensureDeferred
async def test_purging_shortens_the_feed_but_its_numbers_go_on(store: Store) -> None:
    for name, now in (("a", 10.0), ("b", 20.0)):
        await store.add(new(name, expires_at=1e9))
        await store.end(f"hash-{name}", "x", now)
    await store.purge(ENDED_KEPT + 10.0)
    assert [ended.sequence for ended in await store.ended_after(0, 10)] == [2]
    await store.purge(ENDED_KEPT + 20.0)
    assert await store.ended_after(0, 10) == []
    await store.add(new("c"))
    await store.end("hash-c", "x", 30.0)
    assert await store.ended_after(2, 10) == [Ended(3, "id-c", "x")]


@pytest_twisted.ensureDeferred
async def test_however_much_has_expired_one_transaction_purges_a_part_of_it(database: Database) -> None:
    class Watched:
        """The database, and how many sessions and entries of the feed are left after each transaction."""

        def __init__(self) -> None:
            self.left: list[tuple[int, int]] = []

        async def change(self, work: Callable[[Any], Any]) -> Any:
            result = await database.change(work)
            [left] = await database.query(_LEFT)
            self.left.append(left)
            return result

    def fill(transaction: Transaction) -> None:
        names = [str(number) for number in range(PORTION + 1)]
        transaction.run_many(_SESSION, [(name, name) for name in names])
        transaction.run_many("INSERT INTO ended_sessions VALUES (?, 'x', 'x', 5.0)", [(int(name),) for name in names])

    await database.change(fill)
    watched = Watched()
    await DatabaseSessionStore(cast("Database", watched)).purge(ENDED_KEPT + 5.0)
    assert watched.left == [(1, PORTION + 1), (0, PORTION + 1), (0, 1), (0, 0)]


@pytest_twisted.ensureDeferred
async def test_activity_is_noted_for_sessions_that_exist(store: Store) -> None:
    for name in "abc":
        await store.add(new(name))
    await store.touch({"id-a", "id-b", "id-gone"}, 9.0)
    await store.touch([], 10.0)
    assert [await store.last_activity(f"id-{name}") for name in "abc"] == [9.0, 9.0, 1.0]
    assert await store.last_activity("id-gone") is None


class Recorder:
    """A database, and the sessions that each transaction touched."""

    def __init__(self) -> None:
        self.ids: list[list[str]] = []

    async def change(self, work: Callable[[Any], None]) -> None:
        work(self)

    def run_many(self, sql: str, rows: list[tuple[float, str]]) -> None:
        self.ids.append([session_id for _, session_id in rows])


@pytest_twisted.ensureDeferred
async def test_two_processes_lock_the_rows_they_touch_in_one_order() -> None:
    recorder = Recorder()
    await DatabaseSessionStore(cast("Database", recorder)).touch(["c", "a", "b"], 1.0)
    assert recorder.ids == [["a", "b", "c"]]


@pytest_twisted.ensureDeferred
async def test_however_many_are_touched_one_transaction_takes_a_part_of_them() -> None:
    names = [f"{number:04}" for number in range(PORTION + 1)]
    recorder = Recorder()
    await DatabaseSessionStore(cast("Database", recorder)).touch(names, 1.0)
    assert recorder.ids == [names[:-1], names[-1:]]


def test_hashes_and_metadata_are_in_no_repr() -> None:
    shown = repr(new("a")) + repr(MemorySessionStore())
    assert "hash-a" not in shown
    assert "::1" not in shown


@pytest_twisted.ensureDeferred
async def test_a_database_that_is_closed_is_a_store_unavailable(tmp_path: Path) -> None:
    database = await open_database(new_url("sqlite", tmp_path), reactor)
    await database.close()
    store = DatabaseSessionStore(database)
    with pytest.raises(StoreUnavailable):
        await store.find("hash-a")
    with pytest.raises(StoreUnavailable):
        await store.add(attrs.evolve(new("a"), metadata="{}"))
