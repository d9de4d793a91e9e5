"""The table ``users``. Knows no password, only its hash, and no session."""

from __future__ import annotations

import attrs

from yekta.app.database import Database, Row


@attrs.frozen
class User:
    """An account, with an ``email`` or a ``phone`` or both. ``created_at`` is in POSIX seconds.

    ``is_disabled``: an operator has set it in the table, so that nobody logs in.
    """

    id: str
    email: str | None = attrs.field(repr=False)
    phone: str | None = attrs.field(repr=False)
    name: str = attrs.field(repr=False)
    type: str
    created_at: float
    is_disabled: bool = False
    password_hash: str | None = attrs.field(default=None, repr=False)


@attrs.define(eq=False)
class AccountStore:
    """Accounts in the database. Every method raises :class:`yekta.app.database.DatabaseError`."""

    _database: Database

    async def add(self, user: User) -> bool:
        """Keep a new account; ``False`` where another has the email or the phone already."""
        row = (
            user.id,
            user.email,
            user.phone,
            user.name,
            user.type,
            user.password_hash,
            user.is_disabled,
            user.created_at,
        )
        return bool(await self._database.change(lambda transaction: transaction.run(_ADD, *row)))

    async def find(self, identifier: str) -> User | None:
        """The account with this email or phone, in its normal form."""
        rows = await self._database.query(_FIND, identifier, identifier)
        return _user(rows[0]) if rows else None

    async def set_password_hash(self, user_id: str, password_hash: str) -> None:
        """Replace the hash of a password."""
        sql = "UPDATE users SET password_hash = ? WHERE id = ?"
        await self._database.change(lambda transaction: transaction.run(sql, password_hash, user_id))


def _user(row: Row) -> User:
    user_id, email, phone, name, kind, password_hash, disabled, created_at = row
    return User(user_id, email, phone, name, kind, created_at, bool(disabled), password_hash)


_COLUMNS = "id, email, phone, name, type, password_hash, disabled, created_at"
_ADD = f"INSERT INTO users ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id"
_FIND = f"SELECT {_COLUMNS} FROM users WHERE email = ? OR phone = ?"
