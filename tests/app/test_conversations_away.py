"""Conversations whose database is away."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, cast

import attrs
import pytest_twisted
from twisted.internet.defer import Deferred, ensureDeferred, fail
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from yekta.ai.provider import Message
from yekta.app.conversations import MOST_WAITING, PATIENCE, Conversations
from yekta.app.database import Database, DatabaseError
from yekta.app.errors import ClientError
from yekta.seldom import QUIET


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


@attrs.define(eq=False)
class Frozen:
    """A database that says nothing before it is told to, or no at once where it is ``full``."""

    asked: list[Deferred[Any]] = attrs.field(factory=list)
    full: bool = False

    def query(self, *_: object) -> Deferred[Any]:
        if self.full:
            return fail(DatabaseError("Too many statements wait already."))
        self.asked.append(Deferred())
        return self.asked[-1]

    change = query


def test_who_reads_or_deletes_does_not_wait_for_all_who_came_before() -> None:
    frozen, clock = Frozen(), Clock()
    kept = Conversations(cast("Database", frozen), clock)
    said = [Message("user", "?")]
    works = [kept.recent("a", "c", 2), *[kept.page("a", "c", 0) for _ in range(9)], kept.delete("a", "c", 0.0)]
    told = [outcome(work) for work in [*works, kept.append("a", "c", said, 0.0)]]
    clock.advance(PATIENCE)
    statuses = [[each.value.status for each in told_one] for told_one in told]
    assert statuses == [[], *[[503]] * 10, []]
    # What was said is written all the same, and all in its turn: nobody is in there beside another.
    late = outcome(kept.page("a", "c", 0))
    for number, _ in enumerate(told[:2]):
        assert len(frozen.asked) == number + 1
        frozen.asked[number].callback([])
    assert (told[0], told[-1], late, len(frozen.asked)) == ([[]], [None], [], 3)
    frozen.asked[2].callback([])
    assert late == [[]]
    assert clock.getDelayedCalls() == []


def test_the_end_waits_for_what_is_being_written_and_for_what_comes_behind_it() -> None:
    frozen, clock = Frozen(), Clock()
    kept = Conversations(cast("Database", frozen), clock)
    told = [outcome(kept.append("a", name, [Message("user", "?")], 0.0)) for name in ("c", "c", "d")]
    stopped = outcome(kept.stop(5.0))
    for number in range(3):
        assert stopped == []
        frozen.asked[number].callback(None)
    assert (told, stopped) == ([[None]] * 3, [None])
    assert clock.getDelayedCalls() == []


def test_however_many_come_for_a_conversation_all_are_answered_where_the_database_refuses() -> None:
    frozen, clock = Frozen(), Clock()
    kept = Conversations(cast("Database", frozen), clock)
    told = [outcome(kept.page("a", "c", 0)) for _ in range(1000)]
    assert [bool(each) for each in told] == [False] * (1 + MOST_WAITING) + [True] * (1000 - 1 - MOST_WAITING)
    frozen.full = True
    frozen.asked[0].errback(DatabaseError("It is down."))
    assert {each.value.status for [each] in told} == {503}
    frozen.full = False
    late = outcome(kept.page("a", "c", 0))
    frozen.asked[1].callback([])
    assert late == [[]]
    assert clock.getDelayedCalls() == []


def outcome(work: Coroutine[Any, Any, Any]) -> list[Any]:
    """What it gives, or the failure, once it is there."""
    told: list[Any] = []
    ensureDeferred(work).addBoth(told.append)
    return told
