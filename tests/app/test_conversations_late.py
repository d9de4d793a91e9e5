"""What is said while the database cannot take it, and is written when it can: on SQLite and on PostgreSQL."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

import attrs
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from tests.support.databases import database, reactor, url
from tests.support.patience import soon, turn
from tests.support.peers import FakePeer
from tests.support.provider import ScriptedProvider
from yekta.ai.provider import Message
from yekta.app.answers import Answers
from yekta.app.catching_up import AGAIN
from yekta.app.conversations import Conversations
from yekta.app.counselor import Counselor
from yekta.app.database import Database, DatabaseError
from yekta.app.errors import ClientError
from yekta.app.owner import Owner
from yekta.app.schemas import Chat
from yekta.app.unwritten import MOST_OF_ONE

__all__ = ["database", "url"]


@attrs.define(eq=False)
class Moody:
    """A database that is ``away``; is ``frozen``; takes no ``writes``; or loses the ``news`` of what it has done.
    ``tried``: how often it was written to."""

    database: Database
    away: bool = False
    writes: bool = True
    news: bool = True
    frozen: bool = False
    tried: int = 0

    async def query(self, sql: str, *parameters: Any) -> Any:
        if self.away:
            raise DatabaseError("It is away.")
        return await self.database.query(sql, *parameters)

    async def change(self, work: Any) -> Any:
        self.tried += 1
        if self.frozen:
            await Deferred()
        if self.away or not self.writes:
            raise DatabaseError("It takes nothing.")
        done = await self.database.change(work)
        if not self.news:
            raise DatabaseError("It said nothing.")
        return done


@attrs.define(eq=False)
class Late:
    """Conversations over a moody database."""

    database: Database
    clock: Clock = attrs.field(factory=Clock)
    moody: Moody = attrs.field(init=False)
    kept: Conversations = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.moody = Moody(self.database)
        self.kept = Conversations(cast("Database", self.moody), self.clock)

    async def say(self, text: str, conversation: str = "c", owner: str = "a") -> None:
        with suppress(ClientError):
            await self.kept.append(owner, conversation, [Message("user", text)], self.clock.seconds(), -1.0)

    async def passes(self, seconds: float) -> None:
        """So long, and until what then began is done."""
        self.clock.advance(seconds)
        while self.database.busy:
            await turn()

    async def stored(self, conversation: str = "c", owner: str = "a") -> list[str]:
        """As another process sees it."""
        other = Conversations(self.database, Clock())
        return [said.content for said in await other.page(owner, conversation, 0)]


@pytest_twisted.ensureDeferred
async def test_what_could_not_be_written_is_written_when_it_can_be_in_its_order(database: Database) -> None:
    late = Late(database)
    await late.say("before")
    late.moody.away = True
    for text in ("1", "2"):
        await late.say(text)
    await late.say("other", "d")
    await late.passes(AGAIN)
    assert await late.stored() == ["before"]
    late.moody.away = False
    # Nobody asks.
    await late.passes(AGAIN)
    assert await late.stored() == ["before", "1", "2"]
    assert await late.stored("d") == ["other"]
    assert late.clock.getDelayedCalls() == []
    # And a second time.
    late.moody.away = True
    await late.say("3")
    late.moody.away = False
    await late.say("4")
    assert await late.stored() == ["before", "1", "2", "3", "4"]


@pytest_twisted.ensureDeferred
async def test_who_reads_sees_what_waits(database: Database) -> None:
    late = Late(database)
    for text in ("1", "2"):
        await late.say(text)
    late.moody.writes = False
    for text in ("3", "4"):
        await late.say(text)
    assert [said.content for said in await late.kept.recent("a", "c", 3)] == ["2", "3", "4"]
    assert [said.content for said in await late.kept.page("a", "c", 0)] == ["1", "2"]
    assert await late.kept.recent("b", "c", 3) == []
    late.moody.writes = True
    # At once, when they can be written.
    assert [said.number for said in await late.kept.page("a", "c", 0)] == [1, 2, 3, 4]
    assert [said.content for said in await late.kept.recent("a", "c", 3)] == ["2", "3", "4"]
    assert await late.stored() == ["1", "2", "3", "4"]
    await late.passes(AGAIN)
    assert late.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_what_was_written_without_the_news_of_it_is_not_written_twice(database: Database) -> None:
    late = Late(database)
    late.moody.news = False
    await late.say("1")
    late.moody.news = True
    late.clock.advance(1)
    await late.say("1")
    assert await late.stored() == ["1", "1"]


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "elsewhere"])
@pytest_twisted.ensureDeferred
async def test_what_is_deleted_meanwhile_stays_deleted(database: Database, elsewhere: bool) -> None:
    late = Late(database)
    late.moody.away = True
    await late.say("1")
    late.moody.away = False
    deleting = Conversations(database, Clock()) if elsewhere else late.kept
    # Nothing was stored, but here it is known that something waits.
    assert await deleting.delete("a", "c", 0.0) is not elsewhere
    assert len(late.kept.unwritten) == elsewhere
    assert await late.kept.recent("a", "c", 10) == []
    await late.passes(AGAIN)
    assert (await late.stored(), len(late.kept.unwritten)) == ([], 0)


@pytest_twisted.ensureDeferred
async def test_what_finds_no_room_is_said_once_and_without_its_text(database: Database) -> None:
    late = Late(database)
    late.moody.away = True
    with capturedLogs() as logs:
        for number in range(MOST_OF_ONE + 3):
            await late.say(f"secret {number}", str(number))
    assert [formatEvent(log) for log in logs] == [
        "Conversations cannot be written: It takes nothing.",
        "Too many answers wait to be kept in their conversations. Others are lost.",
    ]
    assert (len(late.kept.unwritten), late.kept.unwritten.lost) == (MOST_OF_ONE, 3)
    # One at a time is tried, and then another.
    late.moody.tried = 0
    for _ in range(2):
        await late.passes(AGAIN)
    assert late.moody.tried == 2
    assert late.kept.unwritten.names()[-2:] == [("a", "0"), ("a", "1")]
    await late.kept.stop(5.0)


@pytest_twisted.ensureDeferred
async def test_what_waits_at_the_end_is_tried_once_more(database: Database) -> None:
    late = Late(database)
    late.moody.away = True
    await late.say("1")
    late.moody.away = False
    with capturedLogs() as logs:
        await late.kept.stop(5.0)
    assert (await late.stored(), logs) == (["1"], [])
    assert late.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_what_fails_after_the_end_is_counted_and_told_of_without_its_text(database: Database) -> None:
    late = Late(database)
    await late.kept.stop(5.0)
    late.moody.away = True
    with capturedLogs() as logs:
        for number in range(3):
            await late.say(f"secret {number}")
    assert [formatEvent(log) for log in logs] == [
        "The database was away for too long: what came late is not kept.",
        "Conversations cannot be written: It takes nothing.",
    ]
    assert (len(late.kept.unwritten), late.kept.unwritten.lost) == (0, 3)
    assert late.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("at_the_end", [False, True], ids=["meanwhile", "at the end"])
async def test_what_no_database_takes_keeps_nothing_else_waiting(database: Database, at_the_end: bool) -> None:
    late = Late(database)
    late.moody.away = True
    # Half a letter, which is no text of theirs.
    for text, conversation in (("1", "c"), ("secret \ud83d", "c"), ("2", "c"), ("3", "d")):
        await late.say(text, conversation)
    late.moody.away = False
    with capturedLogs() as logs:
        if at_the_end:
            await late.kept.stop(5.0)
        else:
            await late.passes(AGAIN)
    assert [formatEvent(log) for log in logs] == ["An answer is not kept: UnicodeEncodeError"]
    assert (await late.stored(), await late.stored("d")) == (["1", "2"], ["3"])
    assert (len(late.kept.unwritten), late.kept.unwritten.lost) == (0, 1)
    assert late.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_the_end_does_not_wait_for_a_database_that_says_nothing(database: Database) -> None:
    late = Late(database)
    late.moody.away = True
    await late.say("secret")
    late.moody.frozen = True
    with capturedLogs() as logs:
        stopped = ensureDeferred(late.kept.stop(5.0))
        late.clock.advance(4.9)
        assert not stopped.called
        late.clock.advance(0.1)
        assert stopped.called
    assert [formatEvent(log) for log in logs] == ["The database was away for too long: 1 answers are not kept."]
    assert late.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_after_the_end_nothing_is_tried_any_more(database: Database) -> None:
    late = Late(database)
    late.moody.away = True
    await late.say("1")
    await late.kept.stop(5.0)
    assert late.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_an_answer_that_ends_while_the_database_is_away_is_known_to_the_next_question(database: Database) -> None:
    late, provider, owner, peer = Late(database), ScriptedProvider(), Owner("s"), FakePeer()
    answers = Answers(reactor)
    counselor = Counselor(provider, reactor, answers, conversations=late.kept)
    answer = counselor.chat(owner, Chat("first", conversation_id="c"), peer, peer.emit)
    generation = await provider.asked()
    await turn()
    late.moody.away = True
    generation.say("one")
    generation.finish()
    await soon(answer.wait())
    late.moody.away = False
    counselor.chat(owner, Chat("second", conversation_id="c"), peer, peer.emit)
    generation = await provider.asked()
    assert [message.content for message in generation.messages[1:]] == ["first", "one", "second"]
    answers.stop()


@pytest_twisted.ensureDeferred
async def test_what_was_asked_for_at_the_moment_of_a_deletion_came_before_it(database: Database) -> None:
    kept = Conversations(database, Clock())
    await kept.delete("a", "c", 5.0)
    await kept.append("a", "c", [Message("user", "x")], 6.0, since=5.0)
    assert await kept.page("a", "c", 0) == []
