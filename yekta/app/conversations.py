"""Conversations that are kept because their client named one: both sides, in order, for their owner only.

An owner is a user, or a session where nobody is logged in. Two owners may use the same name; neither sees the other's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import NoReturn
from weakref import WeakValueDictionary

import attrs
from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from yekta.ai.provider import Message
from yekta.app.catching_up import CatchingUp
from yekta.app.database import Database, DatabaseError, Row, Transaction
from yekta.app.erasing import Erasing
from yekta.app.errors import ClientError
from yekta.app.unwritten import Name, Said
from yekta.seldom import Seldom

# Rows of one page, and of all pages of one conversation: a log that nobody ends must end by itself.
PAGE, LONGEST = 50, 10_000

# Conversations that one statement of a purge looks at, and deletions that are forgotten at a time: others want the
# database too.
BATCH = 200

# Seconds that a deletion is remembered, for answers that were asked for before it; none takes that long.
REMEMBERED = 86_400.0

# Deletions of one owner that are remembered, the last ones: more than answers of one may run in all processes together.
# Anybody may delete what was never there, under a thousand names.
DELETIONS = 64

# Seconds for which one who reads or deletes waits for those who came before in the same conversation; a statement is
# given up after as many. While the database is frozen, each of them takes that long.
PATIENCE = 10.0

# So many wait for one conversation; who else reads or deletes is told to come again. Where the database refuses at
# once, each lets in the next one on the same stack.
MOST_WAITING = 32

_TAKE = """
    INSERT INTO conversations (owner, conversation_id) VALUES (?, ?)
    ON CONFLICT (owner, conversation_id) DO UPDATE SET deleted_at = conversations.deleted_at
    RETURNING deleted_at
"""
_MARK = """
    INSERT INTO conversations (owner, conversation_id, deleted_at) VALUES (?, ?, ?)
    ON CONFLICT (owner, conversation_id) DO UPDATE SET deleted_at = excluded.deleted_at
"""
# What was begun anew since then has turns, and its row goes with them.
_ONLY_DELETED = """
    deleted_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM turns
        WHERE turns.owner = conversations.owner AND turns.conversation_id = conversations.conversation_id
    )
"""
_OLD = f"""
    SELECT owner, conversation_id FROM conversations WHERE deleted_at <= ? AND {_ONLY_DELETED}
    ORDER BY owner, conversation_id LIMIT ?
"""
# Whoever adds to it at the moment is waited for. In PostgreSQL only a statement that begins after that sees the turns:
# one that has waited itself looks at the row once more, and at no other table.
_LOCK = "UPDATE conversations SET deleted_at = deleted_at WHERE owner = ? AND conversation_id = ?"
_FORGET_ONE = f"DELETE FROM conversations WHERE owner = ? AND conversation_id = ? AND {_ONLY_DELETED}"
_ONE_TOO_MANY = f"""
    SELECT owner, conversation_id FROM conversations WHERE owner = ? AND {_ONLY_DELETED}
    ORDER BY deleted_at DESC LIMIT 1 OFFSET ?
"""
_APPEND = "INSERT INTO turns (owner, conversation_id, number, role, content, said_at) VALUES (?, ?, ?, ?, ?, ?)"
_LAST = "SELECT MAX(number) FROM turns WHERE owner = ? AND conversation_id = ?"
_IS_WRITTEN = "SELECT 1 FROM turns WHERE owner = ? AND conversation_id = ? AND said_at = ? AND content = ? LIMIT 1"
_TRIM = "DELETE FROM turns WHERE owner = ? AND conversation_id = ? AND number <= ?"
_RECENT = "SELECT role, content FROM turns WHERE owner = ? AND conversation_id = ? ORDER BY number DESC LIMIT ?"
_PAGE = """
    SELECT number, role, content, said_at FROM turns
    WHERE owner = ? AND conversation_id = ? AND number > ? ORDER BY number LIMIT ?
"""
_DELETE = "DELETE FROM turns WHERE owner = ? AND conversation_id = ? RETURNING number"
# The next ones, and which of them nobody can ask for any more. Whose one is, its beginning says: of a range of text, an
# order that knows a language may think otherwise. Sorted, as everybody locks them.
_NEXT = """
    SELECT owner, conversation_id, SUBSTR(owner, 1, 8) = 'session:' AND NOT EXISTS (
        SELECT 1 FROM sessions WHERE sessions.id = SUBSTR(conversations.owner, 9)
    ) FROM conversations WHERE (owner, conversation_id) > (?, ?) ORDER BY owner, conversation_id LIMIT ?
"""
_PURGE = [f"DELETE FROM {table} WHERE owner = ? AND conversation_id = ?" for table in ("conversations", "turns")]

_log = Logger()


@attrs.frozen
class Turn:
    """``number`` counts from 1; ``role`` is ``user`` or ``assistant``; ``said_at`` in POSIX seconds."""

    number: int
    role: str
    content: str = attrs.field(repr=False)
    said_at: float


class Conversations:
    """The tables ``turns`` and ``conversations``. Without the database, everything raises :class:`ClientError` 503.

    What concerns one conversation is done in the order in which it was asked for: who was told the end of an answer
    finds it in there.
    """

    def __init__(self, database: Database, clock: IReactorTime) -> None:
        self._database = database
        self._clock = clock
        self._locks: WeakValueDictionary[Name, DeferredLock] = WeakValueDictionary()
        self._failures = Seldom(clock)
        self._erasing = Erasing(database, clock)
        self._late = CatchingUp(clock, lambda said: database.change(partial(_add, said=said, again=True)), self._lock)
        self.unwritten = self._late.unwritten

    async def append(
        self, owner: str, conversation_id: str, turns: Sequence[Message], now: float, since: float | None = None
    ) -> None:
        """Add ``turns`` at the end, unless the conversation was deleted after ``since``: deleted stays deleted.

        What the database cannot take at the moment raises all the same, but is tried again until it is in there, as far
        as `Unwritten` has room.
        """
        said = Said((owner, conversation_id), tuple(turns), now, since)
        async with self._turn(owner, conversation_id, "written", patience=None):
            try:
                await self._late.write(said.name)
                await self._database.change(partial(_add, said=said))
            except DatabaseError:
                self._late.wait(said)
                raise

    async def recent(self, owner: str, conversation_id: str, most: int) -> list[Message]:
        """The last ``most`` turns, the oldest first; also those that wait to be written."""
        async with self._turn(owner, conversation_id, "read"):
            rows = await self._read(_RECENT, owner, conversation_id, most)
            said = [turn for each in self.unwritten.of((owner, conversation_id)) for turn in each.turns]
        return [*(Message(role, content) for role, content in reversed(rows)), *said][-most:]

    async def page(self, owner: str, conversation_id: str, after: int) -> list[Turn]:
        """Up to `PAGE` turns after number ``after``; none where there is no such conversation."""
        async with self._turn(owner, conversation_id, "read"):
            return [Turn(*row) for row in await self._read(_PAGE, owner, conversation_id, after, PAGE)]

    async def delete(self, owner: str, conversation_id: str, now: float) -> bool:
        """Delete every turn; ``False`` where there was none."""

        def work(transaction: Transaction) -> bool:
            # Also what was never there: an answer that is on its way may belong to it, in whatever process.
            transaction.run(_MARK, owner, conversation_id, now)
            return bool(transaction.run(_DELETE, owner, conversation_id))

        def forget(transaction: Transaction, sql: str, *parameters: object) -> None:
            for row in transaction.run(sql, *parameters):
                transaction.run(_LOCK, *row)
                transaction.run(_FORGET_ONE, *row)

        async with self._turn(owner, conversation_id, "written"):
            # It is done all the same where the caller has gone or the database is late, as far as anybody knows.
            was_there = True
            try:
                was_there = await self._database.change(work)
            finally:
                if was_there:
                    self._erasing.begin()
            for said in self.unwritten.of((owner, conversation_id)):
                self.unwritten.remove(said)
                was_there = True
            try:
                # Each by itself, since it takes rows of other conversations.
                await self._database.change(lambda transaction: forget(transaction, _OLD, now - REMEMBERED, BATCH))
                await self._database.change(lambda transaction: forget(transaction, _ONE_TOO_MANY, owner, DELETIONS))
            except DatabaseError as error:
                # What was asked for is done, and would not be found a second time. The next deletion sees to the rest.
                _log.warn("Deletions could not be forgotten: {reason}", reason=str(error))
        return was_there

    async def purge(self) -> None:
        """Delete what sessions that are no more have kept: nobody can ask for it."""

        def work(transaction: Transaction, forsaken: list[Row]) -> None:
            for sql in _PURGE:
                transaction.run_many(sql, forsaken)

        owner = conversation_id = ""
        try:
            while rows := await self._database.query(_NEXT, owner, conversation_id, BATCH):
                owner, conversation_id, _ = rows[-1]
                # A session that has ended does not begin again meanwhile.
                if forsaken := [(*name,) for *name, is_forsaken in rows if is_forsaken]:
                    # First: it may be late, and be done all the same.
                    self._erasing.begin()
                    await self._database.change(partial(work, forsaken=forsaken))
        except DatabaseError as error:
            _log.warn("Conversations of ended sessions could not be deleted: {reason}", reason=str(error))

    async def stop(self, seconds: float) -> None:
        """Let those end who are at work, and write what waits, for so many seconds at the most; the rest is lost."""
        await self._late.stop(seconds, [*self._locks.values()])
        await self._erasing.stop(seconds)

    def _lock(self, name: Name) -> DeferredLock:
        return self._locks.setdefault(name, DeferredLock())

    async def _read(self, sql: str, owner: str, conversation_id: str, *parameters: int) -> list[Row]:
        rows = await self._database.query(sql, owner, conversation_id, *parameters)
        if self.unwritten.of((owner, conversation_id)):
            with suppress(DatabaseError):
                await self._late.write((owner, conversation_id))
                rows = await self._database.query(sql, owner, conversation_id, *parameters)
        return rows

    @asynccontextmanager
    async def _turn(
        self, owner: str, conversation_id: str, done: str, patience: float | None = PATIENCE
    ) -> AsyncIterator[None]:
        """``done``: whether it is to be read or written."""
        lock = self._lock((owner, conversation_id))
        try:
            if patience is not None and len(lock.waiting) >= MOST_WAITING:
                raise DatabaseError("Too many wait for a conversation.")
            turn = lock.acquire()
            if patience is not None and not turn.called:
                turn.addTimeout(patience, self._clock, _too_late)
            await turn
            try:
                yield
            finally:
                lock.release()
        except DatabaseError as error:
            if self._failures.is_due(done):
                _log.warn("Conversations cannot be {done}: {reason}", done=done, reason=str(error))
            raise ClientError("Service unavailable", "Conversations cannot be read now.", status=503) from None


def _add(transaction: Transaction, said: Said, again: bool = False) -> None:
    [[deleted_at]] = transaction.run(_TAKE, *said.name)
    if said.since is not None and deleted_at is not None and deleted_at >= said.since:
        return
    if again and transaction.run(_IS_WRITTEN, *said.name, said.at, _storable(said.turns[0])):
        # Only the news of it was lost.
        return
    last = transaction.run(_LAST, *said.name)[0][0] or 0
    for number, turn in enumerate(said.turns, last + 1):
        transaction.run(_APPEND, *said.name, number, turn.role, _storable(turn), said.at)
    if (surplus := last + len(said.turns) - LONGEST) > 0:
        transaction.run(_TRIM, *said.name, surplus)


def _storable(turn: Message) -> str:
    # PostgreSQL's TEXT cannot hold the one; the other says that something was there.
    return turn.content.replace("\0", "\ufffd")


def _too_late(result: object, seconds: float) -> NoReturn:
    raise DatabaseError(f"Others were not done with a conversation within {seconds:g} seconds.")
