"""Conversations whose database is away."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

import attrs
import pytest_twisted
from twisted.logger import capturedLogs, formatEvent

from yekta.ai.provider import Message
from yekta.app.conversations import Conversations
from yekta.app.database import Database, DatabaseError
from yekta.app.errors import ClientError


@attrs.define(eq=False)
class Outage:
    """A database that says nothing but no, for as long as ``down``."""

    down: bool = True

    async def query(self, *_: object) -> list[Any]:
        return self._answer([])

    async def change(self, work: object) -> None:
        self._answer(None)

    def _answer(self, answer: Any) -> Any:
        if self.down:
            raise DatabaseError("It is down.")
        return answer


@pytest_twisted.ensureDeferred
async def test_an_outage_is_logged_once_and_once_that_it_is_over() -> None:
    outage = Outage()
    kept = Conversations(cast("Database", outage))

    async def use() -> None:
        said = [Message("user", "?")]
        for work in (kept.recent("a", "c", 2), kept.append("a", "c", said, 0.0), kept.page("b", "c", 0)):
            with suppress(ClientError):
                await work

    with capturedLogs() as logs:
        await use()
        await use()
        outage.down = False
        await use()
        await use()
    assert [formatEvent(log) for log in logs] == [
        "Conversations cannot be read: It is down.",
        "Conversations cannot be written: It is down.",
        "Conversations are read again.",
        "Conversations are written again.",
    ]
