"""The tables, and how a database of any age gets them.

A migration is a tuple of statements in the SQL that both databases share. Old ones are never edited; a change
is a new migration at the end. Knows nothing of connections.
"""

from __future__ import annotations

from typing import Any, Protocol

from yekta.app.database_drivers import DatabaseError

# Times are POSIX seconds. `sessions.user_id` may name a user of another system, so it refers to no table.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE users (
            id TEXT PRIMARY KEY,
            email TEXT UNIQUE,
            phone TEXT UNIQUE,
            name TEXT NOT NULL,
            type TEXT NOT NULL,
            password_hash TEXT,
            disabled BOOLEAN NOT NULL DEFAULT FALSE,
            created_at DOUBLE PRECISION NOT NULL,
            CHECK (email IS NOT NULL OR phone IS NOT NULL)
        )
        """,
        """
        CREATE TABLE sessions (
            id TEXT PRIMARY KEY,
            token_hash TEXT NOT NULL UNIQUE,
            user_id TEXT,
            is_logged_in BOOLEAN NOT NULL,
            created_at DOUBLE PRECISION NOT NULL,
            expires_at DOUBLE PRECISION NOT NULL,
            last_activity_at DOUBLE PRECISION NOT NULL,
            metadata TEXT NOT NULL
        )
        """,
        "CREATE INDEX sessions_expires_at ON sessions (expires_at)",
        """
        CREATE TABLE ended_sessions (
            sequence BIGINT PRIMARY KEY,
            session_id TEXT NOT NULL,
            reason TEXT NOT NULL,
            ended_at DOUBLE PRECISION NOT NULL
        )
        """,
        # One row, locked until the commit by whoever ends a session: numbers become visible in their order,
        # and a reader who has seen 6 never misses a later 5. A PostgreSQL sequence does not promise that.
        "CREATE TABLE ended_counter (sequence BIGINT NOT NULL)",
        "INSERT INTO ended_counter (sequence) VALUES (0)",
    ),
    (
        """
        CREATE TABLE turns (
            owner TEXT NOT NULL,
            conversation_id TEXT NOT NULL,
            number BIGINT NOT NULL,
            role TEXT NOT NULL,
            content TEXT NOT NULL,
            said_at DOUBLE PRECISION NOT NULL,
            PRIMARY KEY (owner, conversation_id, number)
        )
        """,
    ),
    (
        # One row for each conversation, locked until the commit by whoever changes it: what is added and what is
        # deleted at the same time come one after the other, whichever process they come from.
        """
        CREATE TABLE conversations (
            owner TEXT NOT NULL,
            conversation_id TEXT NOT NULL,
            deleted_at DOUBLE PRECISION,
            PRIMARY KEY (owner, conversation_id)
        )
        """,
        "CREATE INDEX conversations_deleted_at ON conversations (deleted_at)",
    ),
    (
        # What was said before there were rows for conversations: with its session, it is looked for by these.
        """
        INSERT INTO conversations (owner, conversation_id)
        SELECT DISTINCT owner, conversation_id FROM turns WHERE TRUE
        ON CONFLICT (owner, conversation_id) DO NOTHING
        """,
    ),
)


# Changes something, and nothing that matters: whoever reads the numbers may find one missing. SQLite would not write
# down what is the same as before.
WRITE = "UPDATE ended_counter SET sequence = sequence + 1"

# The one row of a table of ours: of a constant SQLite would not look into the file, nor PostgreSQL at rights.
READ = "SELECT 1 FROM ended_counter"


class Runs(Protocol):
    """The part of a transaction that a migration needs."""

    def lock_schema(self) -> None: ...

    def has_table(self, name: str) -> bool: ...

    def run(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]: ...


def migrate(transaction: Runs, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS) -> None:
    """Bring the schema up to date, once, however many processes try at the same time.

    A schema that is up to date is left alone: a service that may only read and write rows can use one made by hand.
    Raises :class:`DatabaseError` where the database is newer than this program.
    """
    transaction.lock_schema()
    if not transaction.has_table("schema_version"):
        transaction.run("CREATE TABLE schema_version (version INTEGER NOT NULL)")
    rows = transaction.run("SELECT version FROM schema_version")
    version = rows[0][0] if rows else 0
    if version > len(migrations):
        raise DatabaseError(
            f"The database of DATABASE_URL has schema version {version}, this program knows only {len(migrations)}."
        )
    if version == len(migrations):
        return
    for statements in migrations[version:]:
        for statement in statements:
            transaction.run(statement)
    transaction.run("DELETE FROM schema_version")
    transaction.run("INSERT INTO schema_version (version) VALUES (?)", len(migrations))
