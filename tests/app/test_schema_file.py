"""``etc/schema/yekta.sql`` is what the migrations make. ``python -m tests.app.test_schema_file`` writes it anew."""

from __future__ import annotations

import sqlite3
import textwrap
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_twisted

from tests.support.databases import POSTGRESQL, new_url, open_database, reactor
from yekta.app.database import prepare
from yekta.app.migrations import migrate

FILE = Path(__file__).parents[2] / "etc" / "schema" / "yekta.sql"
HEAD = """\
-- The tables of yekta, for SQLite and PostgreSQL alike, where an administrator makes them by hand:
--     (umask 077; sqlite3 yekta.sqlite3 <yekta.sql)
--     psql --set ON_ERROR_STOP=1 --file yekta.sql yekta
-- Otherwise the services make them, and change those of an older release, when they start.
"""

ABOUT = {
    "sqlite": "SELECT name, sql FROM sqlite_master ORDER BY name",
    "postgresql": """
        SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
        WHERE table_schema = 'public' UNION SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes
        WHERE schemaname = 'public' UNION SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
}


class Script:
    """A transaction on an empty database that writes down what it is told to run."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def lock_schema(self) -> None:
        pass

    def has_table(self, name: str) -> bool:
        return False

    def run(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        if not sql.startswith("SELECT"):
            for parameter in parameters:
                sql = sql.replace("?", str(parameter), 1)
            self.statements.append(textwrap.dedent(sql).strip())
        return []


def text() -> str:
    script = Script()
    migrate(script)
    return HEAD + "".join(f"\n{statement};\n" for statement in ("BEGIN", *script.statements, "COMMIT"))


def test_the_file_is_what_the_migrations_make() -> None:
    assert FILE.read_text() == text()


def ask(url: str, sql: str) -> list[tuple[str, ...]]:
    """The rows, of words with a single space between them."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            rows = connection.execute(sql).fetchall()
    else:
        with psycopg.connect(url) as server:
            rows = server.execute(sql.encode()).fetchall()
    return sorted(tuple(" ".join(str(value).split()) for value in row) for row in rows)


def run_by_hand(url: str) -> None:
    script = FILE.read_text()
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.executescript(script)
    else:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(script.encode())


@pytest.mark.parametrize("kind", ["sqlite", POSTGRESQL])
@pytest_twisted.ensureDeferred
async def test_a_database_made_by_hand_is_the_one_that_a_service_makes(tmp_path: Path, kind: str) -> None:
    folders = tmp_path / "by-hand", tmp_path / "by-service"
    for folder in folders:
        folder.mkdir()
    by_hand, by_service = (new_url(kind, folder) for folder in folders)
    run_by_hand(by_hand)
    for url in (by_hand, by_service):
        await (await open_database(url, reactor)).close()
    described = ask(by_service, ABOUT[kind])
    assert len(described) > 10
    assert ask(by_hand, ABOUT[kind]) == described
    for table in ("schema_version", "ended_counter"):
        assert ask(by_hand, f"SELECT * FROM {table}") == ask(by_service, f"SELECT * FROM {table}")


@pytest.mark.needs("postgres")
def test_a_service_that_may_not_change_tables_can_use_it(tmp_path: Path) -> None:
    url = new_url("postgresql", tmp_path)
    run_by_hand(url)
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("CREATE ROLE service LOGIN")
        server.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO service")
    prepare(url.replace("test@", "service@"))


if __name__ == "__main__":
    FILE.write_text(text())
