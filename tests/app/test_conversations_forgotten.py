"""What is kept no longer: conversations whose session has ended, and deletions that nobody has to remember."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs

from tests.support.databases import database, url
from yekta.ai.provider import Message
from yekta.app import conversations as module
from yekta.app.conversations import Conversations
from yekta.app.database import Database, DatabaseError, Transaction
from yekta.app.database_session_store import DatabaseSessionStore
from yekta.app.errors import ClientError
from yekta.app.migrations import migrate
from yekta.app.sessions import Sessions

__all__ = ["database", "url"]

_COUNT = "SELECT COUNT(*) FROM conversations"

BOTH = [Message("user", "سلام 🌱"), Message("assistant", "درود\n")]


@pytest_twisted.ensureDeferred
async def test_what_a_session_kept_goes_with_it_and_what_a_user_kept_stays(database: Database) -> None:
    clock, kept = Clock(), Conversations(database, Clock())
    sessions = Sessions(DatabaseSessionStore(database), clock, lifetime=7200.0)
    sessions.on_purged(kept.purge)
    token, first = await sessions.acquire()
    _, second = await sessions.acquire()
    for owner in (f"session:{first.id}", f"session:{second.id}", "user:u1", "session"):
        for name in ("c", "d"):
            await kept.append(owner, name, BOTH, 0.0)
    await sessions._purge()
    assert await owners(database) == {f"session:{first.id}", f"session:{second.id}", "user:u1", "session"}
    await sessions.end(token)
    await sessions._purge()
    assert await owners(database) == {f"session:{second.id}", "user:u1", "session"}
    clock.advance(7200.0)
    await sessions._purge()
    assert await owners(database) == {"user:u1", "session"}
    assert [turn.content for turn in await kept.page("user:u1", "c", 0)] == [turn.content for turn in BOTH]


@pytest.mark.parametrize("version", [2, 3])
@pytest_twisted.ensureDeferred
async def test_what_sessions_kept_in_an_older_database_goes_too(database: Database, version: int) -> None:
    kept = Conversations(database, Clock())
    for name in ("c", "d"):
        await kept.append("session:gone", name, BOTH, 0.0)
    await kept.append("user:u1", "c", BOTH, 0.0)

    def grow_old(transaction: Transaction) -> None:
        if version == 2:
            transaction.run("DROP TABLE conversations")
        else:
            transaction.run("DELETE FROM conversations WHERE conversation_id = 'c'")
        transaction.run("UPDATE schema_version SET version = ?", version)

    await database.change(grow_old)
    await database.change(migrate)
    await kept.purge()
    assert await owners(database) == {"user:u1"}


async def owners(database: Database) -> set[str]:
    """Of whom there is anything left, which is both or neither."""
    turns = {owner for (owner,) in await database.query("SELECT DISTINCT owner FROM turns")}
    assert turns == {owner for (owner,) in await database.query("SELECT DISTINCT owner FROM conversations")}
    return turns


@pytest_twisted.ensureDeferred
async def test_however_many_there_are_each_is_looked_at_a_part_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    deleted: list[int] = []

    class Watched:
        """The database, and how many conversations each transaction has deleted."""

        query = database.query

        async def change(self, work: Callable[[Any], Any]) -> Any:
            [[before]] = await database.query(_COUNT)
            await database.change(work)
            [[after]] = await database.query(_COUNT)
            deleted.append(before - after)

    kept = Conversations(database, Clock())
    for owner in ("session:gone", "user:u", "session:went"):
        for number in range(4):
            await kept.append(owner, str(number), BOTH, 0.0)
    await Conversations(cast("Database", Watched()), Clock()).purge()
    assert (sum(deleted), max(deleted)) == (8, 3)
    assert await owners(database) == {"user:u"}


@pytest_twisted.ensureDeferred
async def test_a_purge_that_fails_is_said_and_tried_another_time(database: Database) -> None:
    kept = Conversations(database, Clock())
    await database.close()
    with capturedLogs() as logs:
        await kept.purge()
    [log] = logs
    assert "could not be deleted" in log["log_format"]


@pytest_twisted.ensureDeferred
async def test_a_deletion_is_remembered_for_as_long_as_an_answer_may_take(database: Database) -> None:
    kept = Conversations(database, Clock())
    for number in range(3):
        await kept.delete("a", f"c{number}", number * module.REMEMBERED)
    await kept.append("a", "c1", BOTH, 0.0, module.REMEMBERED + 1)
    remembered = await database.query("SELECT conversation_id FROM conversations WHERE deleted_at IS NOT NULL")
    assert remembered == [("c2",)]


@pytest_twisted.ensureDeferred
async def test_of_one_owner_no_more_deletions_are_remembered_than_answers_may_wait_for(database: Database) -> None:
    kept = Conversations(database, Clock())
    await kept.append("a", "said", BOTH, 0.0)
    await kept.delete("b", "c", 0.0)
    # Deleted and begun anew, it is there.
    await kept.delete("a", "anew", 0.0)
    await kept.append("a", "anew", BOTH, 0.5)
    for number in range(module.DELETIONS + 5):
        assert not await kept.delete("a", f"c{number}", 1.0 + number)
    rows = await database.query("SELECT conversation_id FROM conversations WHERE owner = ? ORDER BY deleted_at", "a")
    last = [f"c{number}" for number in range(5, module.DELETIONS + 5)]
    assert sorted(name for (name,) in rows) == sorted(["said", "anew", *last])
    assert await database.query("SELECT COUNT(*) FROM conversations WHERE owner = 'b'") == [(1,)]


@pytest_twisted.ensureDeferred
async def test_what_was_begun_anew_after_a_deletion_goes_with_its_session_too(database: Database) -> None:
    kept = Conversations(database, Clock())
    await kept.delete("session:gone", "c", 0.0)
    await kept.append("session:gone", "c", BOTH, 2.0, 1.0)
    await kept.delete("a", "d", module.REMEMBERED + 1)
    await kept.purge()
    assert await database.query("SELECT COUNT(*) FROM turns") == [(0,)]


@pytest_twisted.ensureDeferred
async def test_what_is_begun_anew_while_its_deletion_is_forgotten_keeps_its_row(database: Database) -> None:
    kept = Conversations(database, Clock())
    await kept.append("session:s", "c", BOTH, 0.0)
    await kept.delete("session:s", "c", 0.0)
    begun, goes_on = Event(), Event()

    def begin_anew(transaction: Transaction) -> None:
        transaction.run(module._TAKE, "session:s", "c")
        transaction.run(module._APPEND, "session:s", "c", 1, "user", "anew", 1.0)
        begun.set()
        assert goes_on.wait(10)

    beginning = ensureDeferred(database.change(begin_anew))
    assert await deferToThread(begun.wait, 10)
    # Long after: the deletion need not be remembered.
    forgetting = ensureDeferred(kept.delete("session:other", "c", 10 * module.REMEMBERED))
    if database._driver.module == "psycopg":
        while not await database.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            pass
    goes_on.set()
    await beginning
    await forgetting
    assert await database.query("SELECT content FROM turns WHERE owner = 'session:s'") == [("anew",)]
    assert "session:s" in {owner for (owner,) in await database.query("SELECT owner FROM conversations")}


class Ailing(Database):
    """Fails once it has changed as much as it is said to."""

    def __init__(self, database: Database, changes: int) -> None:
        self._database, self._changes = database, changes

    async def change(self, work: Callable[[Transaction], Any]) -> Any:
        self._changes -= 1
        if self._changes < 0:
            raise DatabaseError("It is down.")
        return await self._database.change(work)


@pytest.mark.parametrize("changes", [1, 2])
@pytest_twisted.ensureDeferred
async def test_a_deletion_is_told_though_others_cannot_be_forgotten(database: Database, changes: int) -> None:
    """Who was told to try again would be told then that there is no such conversation."""
    kept = Conversations(database, Clock())
    await kept.append("a", "c", BOTH, 0.0)
    with capturedLogs() as events:
        assert await Conversations(Ailing(database, changes), Clock()).delete("a", "c", 0.0)
    assert [event["reason"] for event in events] == ["It is down."]
    assert await kept.page("a", "c", 0) == []


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_deleted_is_not_told_to_be(database: Database) -> None:
    kept = Conversations(database, Clock())
    await kept.append("a", "c", BOTH, 0.0)
    with pytest.raises(ClientError):
        await Conversations(Ailing(database, 0), Clock()).delete("a", "c", 0.0)
    assert len(await kept.page("a", "c", 0)) == len(BOTH)
