"""What was deleted is in no file of the database any more, soon after."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.task import Clock

from tests.support.databases import new_url, open_database, reactor
from tests.support.patience import turn
from yekta.ai.provider import Message
from yekta.app.conversations import Conversations
from yekta.app.database import Database, DatabaseError
from yekta.app.database_session_store import DatabaseSessionStore
from yekta.app.erasing import SOON
from yekta.app.sessions import Sessions

SECRET = "secret-of-somebody"


@pytest_twisted.async_yield_fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(new_url("sqlite", tmp_path), reactor)
    yield opened
    await opened.close()


@attrs.define(eq=False)
class Kept:
    """Conversations, and the files they are in."""

    database: Database
    folder: Path
    clock: Clock = attrs.field(factory=Clock)
    conversations: Conversations = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.conversations = Conversations(self.database, self.clock)

    async def say(self, owner: str = "a", name: str = "c") -> None:
        await self.conversations.append(owner, name, [Message("user", SECRET * 100)], 0.0)

    def has_secret(self) -> set[str]:
        """The files in which it is."""
        return {path.name for path in self.folder.iterdir() if SECRET.encode() in path.read_bytes()}

    async def passes(self) -> None:
        self.clock.advance(SOON)
        while self.database.busy:
            await turn()


@pytest.fixture
def kept(database: Database, tmp_path: Path) -> Kept:
    return Kept(database, tmp_path)


@pytest_twisted.ensureDeferred
async def test_a_conversation_that_is_deleted_leaves_all_files(kept: Kept) -> None:
    await kept.say()
    assert await kept.conversations.delete("a", "c", 1.0)
    assert kept.has_secret() == {"test.db-wal"}
    await kept.passes()
    assert kept.has_secret() == set()
    # Nobody waits for anything any more, and what was never there needs nothing.
    assert not await kept.conversations.delete("a", "c", 2.0)
    assert kept.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_what_a_session_kept_leaves_all_files_with_it(kept: Kept) -> None:
    sessions = Sessions(DatabaseSessionStore(kept.database), Clock(), lifetime=7200.0)
    token, session = await sessions.acquire()
    await kept.say(f"session:{session.id}")
    await sessions.end(token)
    await kept.conversations.purge()
    assert kept.has_secret() == {"test.db-wal"}
    await kept.passes()
    assert kept.has_secret() == set()


@pytest_twisted.ensureDeferred
async def test_what_is_deleted_when_nobody_waits_for_it_any_more_leaves_all_files(kept: Kept) -> None:
    await kept.say()
    deleted = ensureDeferred(kept.conversations.delete("a", "c", 1.0))
    deleted.cancel()
    with pytest.raises(CancelledError):
        await deleted
    while kept.database.busy:
        await turn()
    assert await kept.conversations.page("a", "c", 0) == []
    assert kept.has_secret() == {"test.db-wal"}
    await kept.passes()
    assert kept.has_secret() == set()


@pytest_twisted.ensureDeferred
async def test_what_is_purged_too_late_for_who_waits_leaves_all_files(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = kept.database.change

    async def late(work: Any) -> Any:
        await change(work)
        raise DatabaseError("It did not answer.")

    await kept.say("session:gone")
    with monkeypatch.context() as patch:
        patch.setattr(kept.database, "change", late)
        await kept.conversations.purge()
    assert kept.has_secret() == {"test.db-wal"}
    await kept.passes()
    assert kept.has_secret() == set()


@contextmanager
def reading(kept: Kept) -> Iterator[sqlite3.Connection]:
    """Somebody else is reading in the file."""
    with closing(sqlite3.connect(kept.folder / "test.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM turns").fetchall()
        yield reader


@pytest_twisted.ensureDeferred
async def test_while_somebody_reads_nobody_waits_and_it_is_tried_again(kept: Kept) -> None:
    await kept.say()
    with reading(kept) as reader:
        await kept.conversations.delete("a", "c", 1.0)
        await kept.passes()
        assert "test.db-wal" in kept.has_secret()
        # Neither was the thread's patience with other writers lost.
        rows = await kept.database.change(lambda transaction: transaction.run("PRAGMA busy_timeout"))
        assert rows == [(5000,)]
        reader.execute("ROLLBACK")
    await kept.passes()
    assert kept.has_secret() == set()
    assert kept.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_where_the_database_refuses_it_is_tried_again(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse() -> bool:
        raise DatabaseError("It is away.")

    await kept.say()
    await kept.conversations.delete("a", "c", 1.0)
    with monkeypatch.context() as patch:
        patch.setattr(kept.database, "erase", refuse)
        await kept.passes()
    assert kept.has_secret() == {"test.db-wal"}
    await kept.passes()
    assert kept.has_secret() == set()


@pytest_twisted.ensureDeferred
async def test_at_the_end_it_is_tried_once_and_waits_for_no_reader(kept: Kept) -> None:
    await kept.say()
    with reading(kept):
        await kept.conversations.delete("a", "c", 1.0)
        await kept.conversations.stop(5.0)
    assert "test.db-wal" in kept.has_secret()
    assert kept.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_what_is_deleted_after_the_end_waits_for_nothing(kept: Kept) -> None:
    await kept.say()
    await kept.conversations.stop(5.0)
    assert await kept.conversations.delete("a", "c", 1.0)
    assert kept.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_many_deletions_are_erased_at_once_and_the_last_ones_at_the_end(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased: list[Any] = []
    erase = kept.database.erase
    monkeypatch.setattr(kept.database, "erase", lambda: erased.append(0) or erase())
    for name in ("c", "d", "e"):
        await kept.say("a", name)
        await kept.conversations.delete("a", name, 1.0)
    await kept.passes()
    assert (len(erased), kept.has_secret()) == (1, set())
    await kept.say()
    await kept.conversations.delete("a", "c", 2.0)
    await kept.conversations.stop(5.0)
    assert (len(erased), kept.has_secret()) == (2, set())
    assert kept.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_the_end_does_not_wait_for_a_database_that_says_nothing(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kept.say()
    await kept.conversations.delete("a", "c", 1.0)
    monkeypatch.setattr(kept.database, "erase", Deferred)
    stopped = ensureDeferred(kept.conversations.stop(3.0))
    await turn()
    assert not stopped.called
    kept.clock.advance(3.0)
    assert stopped.called
    assert kept.clock.getDelayedCalls() == []
