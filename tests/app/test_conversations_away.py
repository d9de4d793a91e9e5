"""Conversations whose database is away."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

import attrs
import pytest_twisted
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from yekta.ai.provider import Message
from yekta.app.conversations import Conversations
from yekta.app.database import Database, DatabaseError
from yekta.app.errors import ClientError
from yekta.app.seldom import QUIET


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
async def test_an_outage_is_logged_once_in_a_while() -> None:
    outage, clock = Outage(), Clock()
    kept = Conversations(cast("Database", outage), clock)

    async def use() -> None:
        said = [Message("user", "?")]
        for work in (kept.recent("a", "c", 2), kept.append("a", "c", said, 0.0), kept.page("b", "c", 0)):
            with suppress(ClientError):
                await work

    with capturedLogs() as logs:
        for outage.down in (True, False, True, True):
            await use()
        clock.advance(QUIET)
        await use()
    assert [formatEvent(log) for log in logs] == [
        "Conversations cannot be read: It is down.",
        "Conversations cannot be written: It is down.",
        "Conversations cannot be read: It is down.",
        "Conversations cannot be written: It is down.",
    ]
