"""Sessions in the database, shared by every process that opens it.

Knows tokens only by their hashes. Implements :class:`yekta.app.session_store.SessionStore`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar

import attrs

from yekta.app.batches import Batches
from yekta.app.database import Database, DatabaseError, Row, Transaction
from yekta.app.session_store import ENDED_KEPT, Ended, NewSession, Session, StoreUnavailable

Result = TypeVar("Result")

# Rows that one transaction takes, however many are touched or have expired: it is over long before `Database` gives it
# up, and others have their turn before the next one.
PORTION = 500


@attrs.define(eq=False)
class DatabaseSessionStore:
    """The tables ``sessions``, ``ended_sessions`` and ``ended_counter``."""

    _database: Database
    _strangers: Batches[Row, None] = attrs.field(init=False)
    _lookups: Batches[str, Session | None] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._strangers = Batches(self._add_all)
        # After a restart, thousands come back whom nobody knows.
        self._lookups = Batches(self._find_all)

    def add(self, new: NewSession) -> Awaitable[Any]:
        session = new.session
        row = (
            session.id,
            new.token_hash,
            session.user_id,
            session.is_logged_in,
            new.created_at,
            session.expires_at,
            new.created_at,
            new.metadata,
        )
        # Who has a user comes by itself: it fails where there is no such user, and nobody else with it.
        return self._strangers.add(row) if session.user_id is None else self._add_all([row])

    async def _add_all(self, rows: list[Row]) -> list[None]:
        await self._change(lambda transaction: transaction.run_many(_ADD, rows))
        return [None] * len(rows)

    async def find(self, token_hash: str) -> Session | None:
        return await self._lookups.add(token_hash)

    async def _find_all(self, hashes: list[str]) -> list[Session | None]:
        rows = await self._query(_FIND + f"({', '.join('?' * len(hashes))})", *hashes)
        found = {token_hash: _session(row) for token_hash, *row in rows}
        return [found.get(token_hash) for token_hash in hashes]

    async def end(self, token_hash: str, reason: str, now: float) -> str | None:
        def work(transaction: Transaction) -> str | None:
            rows = transaction.run("DELETE FROM sessions WHERE token_hash = ? RETURNING id", token_hash)
            if not rows:
                return None
            [[sequence]] = transaction.run(_NEXT_SEQUENCE)
            session_id: str = rows[0][0]
            transaction.run(_APPEND, sequence, session_id, reason, now)
            return session_id

        return await self._change(work)

    async def ended_after(self, sequence: int, limit: int) -> list[Ended]:
        return [Ended(*row) for row in await self._query(_ENDED_AFTER, sequence, limit)]

    async def touch(self, session_ids: Iterable[str], now: float) -> None:
        left = iter(session_ids)
        # Sorted: two processes that lock rows in different orders would wait for each other.
        while portion := sorted(islice(left, PORTION)):
            await self._touch_all([(now, session_id) for session_id in portion])

    async def _touch_all(self, rows: list[Row]) -> None:
        await self._change(lambda transaction: transaction.run_many(_TOUCH, rows))

    async def purge(self, now: float) -> None:
        await self._purge(_EXPIRED, "DELETE FROM sessions WHERE id = ?", now)
        await self._purge(_ENDED_BEFORE, "DELETE FROM ended_sessions WHERE sequence = ?", now - ENDED_KEPT)

    async def _purge(self, select: str, delete: str, until: float) -> None:
        def work(transaction: Transaction) -> int:
            # Sorted as those that are touched.
            rows = sorted(transaction.run(select, until, PORTION))
            transaction.run_many(delete, rows)
            return len(rows)

        while await self._change(work) == PORTION:
            pass

    async def _query(self, sql: str, *parameters: object) -> list[Row]:
        try:
            return await self._database.query(sql, *parameters)
        except DatabaseError as error:
            raise StoreUnavailable(str(error)) from None

    async def _change(self, work: Callable[[Transaction], Result]) -> Result:
        try:
            return await self._database.change(work)
        except DatabaseError as error:
            raise StoreUnavailable(str(error)) from None


def _session(row: Sequence[Any]) -> Session:
    session_id, user_id, is_logged_in, expires_at = row
    return Session(session_id, user_id, bool(is_logged_in), expires_at)


_ADD = """
    INSERT INTO sessions
        (id, token_hash, user_id, is_logged_in, created_at, expires_at, last_activity_at, metadata)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
# For as many as its list, which is to be added, has places.
_FIND = "SELECT token_hash, id, user_id, is_logged_in, expires_at FROM sessions WHERE token_hash IN "
_NEXT_SEQUENCE = "UPDATE ended_counter SET sequence = sequence + 1 RETURNING sequence"
_APPEND = "INSERT INTO ended_sessions (sequence, session_id, reason, ended_at) VALUES (?, ?, ?, ?)"
_ENDED_AFTER = """
    SELECT sequence, session_id, reason FROM ended_sessions WHERE sequence > ? ORDER BY sequence LIMIT ?
"""
_EXPIRED = "SELECT id FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"
_ENDED_BEFORE = "SELECT sequence FROM ended_sessions WHERE ended_at <= ? ORDER BY sequence LIMIT ?"
_TOUCH = "UPDATE sessions SET last_activity_at = ? WHERE id = ?"
