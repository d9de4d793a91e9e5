"""What a piece of work may do with the database."""

from __future__ import annotations

from typing import Any

import attrs

from yekta.app.database_drivers import DatabaseError, Driver
from yekta.app.migrations import READ

Row = tuple[Any, ...]


@attrs.define(eq=False)
class Transaction:
    """See the module. It runs in a database thread."""

    _driver: Driver
    _cursor: Any

    def run(self, sql: str, *parameters: Any) -> list[Row]:
        """Run one statement and return its rows, if it has any. ``?`` stands for a parameter."""
        self._cursor.execute(self._driver.adapt(sql), parameters)
        return list(self._cursor.fetchall()) if self._cursor.description else []

    def run_many(self, sql: str, rows: list[Row]) -> None:
        """Run one statement once for every row of parameters."""
        self._cursor.executemany(self._driver.adapt(sql), rows)

    def lock_schema(self) -> None:
        """Let no other process change the schema until the transaction ends."""
        self.run(self._driver.schema_lock)

    def has_table(self, name: str) -> bool:
        return bool(self.run(self._driver.find_table, name))

    def verify(self) -> None:
        """Raises where our tables cannot be read, or are not those of the database that was opened at first."""
        self._driver.verify()
        if not self.run(READ):
            raise DatabaseError(f"The database of DATABASE_URL ({self._driver.shown}) has lost its rows.")

    def erase(self) -> bool:
        """See `Driver.erase`; there is to be no transaction."""
        return self._driver.erase(self._cursor)
