"""What a conversation costs the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import attrs
import pytest_twisted
from twisted.internet.task import Clock

from tests.support.databases import database, url
from yekta.ai.provider import Message
from yekta.app.conversations import Conversations
from yekta.app.database import Database, Transaction

__all__ = ["database", "url"]

SAID = [Message("user", "?"), Message("assistant", "!")]


@attrs.define(eq=False)
class Counted:
    """A database, and a transaction in it, whose ``statements`` are known by their beginnings."""

    database: Database
    statements: list[str] = attrs.field(factory=list)
    transaction: Any = None

    async def change(self, work: Callable[[Transaction], None]) -> None:
        def counted(transaction: Transaction) -> None:
            self.transaction = transaction
            work(cast("Transaction", self))

        await self.database.change(counted)

    def run(self, sql: str, *parameters: Any) -> Any:
        self.statements.append(sql.strip()[:18])
        return self.transaction.run(sql, *parameters)


@pytest_twisted.ensureDeferred
async def test_an_answer_is_written_by_as_few_statements_as_can_be(database: Database) -> None:
    counted = Counted(database)
    kept = Conversations(cast("Database", counted), Clock())
    for _ in range(2):
        counted.statements.clear()
        await kept.append("a", "c", SAID, 0.0)
        turns = ["INSERT INTO turns "] * 2
        assert counted.statements == ["INSERT INTO conver", "SELECT MAX(number)", *turns]
