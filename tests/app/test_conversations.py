"""Conversations that are kept: in order, page by page, for their owner only, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.task import Clock

from tests.support.databases import database, reactor, url
from tests.support.patience import soon, turn
from tests.support.peers import FakePeer
from tests.support.provider import ScriptedProvider
from yekta.ai.provider import Kind, Message
from yekta.app import conversations as module
from yekta.app.answers import Answers
from yekta.app.conversations import PAGE, Conversations, Turn
from yekta.app.counselor import Counselor
from yekta.app.database import Database
from yekta.app.elsewhere import Alone, Elsewhere
from yekta.app.errors import ClientError
from yekta.app.owner import Owner
from yekta.app.schemas import Chat
from yekta.app.schemas import Turn as Said

__all__ = ["database", "url"]

SARA, OMID = Owner("s1", "u1"), Owner("s2")
BOTH = [Message("user", "سلام 🌱"), Message("assistant", "درود\n")]


def numbered(first: int, last: int) -> list[Message]:
    return [Message(("user", "assistant")[number % 2], f"turn {number}") for number in range(first, last + 1)]


@pytest_twisted.ensureDeferred
async def test_both_sides_are_read_back_in_order(database: Database) -> None:
    kept = Conversations(database, Clock())
    await kept.append("a", "c", BOTH, 1.5)
    await kept.append("a", "c", BOTH[:1], 2.25)
    assert await kept.page("a", "c", 0) == [
        Turn(1, "user", "سلام 🌱", 1.5),
        Turn(2, "assistant", "درود\n", 1.5),
        Turn(3, "user", "سلام 🌱", 2.25),
    ]
    assert await kept.recent("a", "c", 2) == [BOTH[1], BOTH[0]]


@pytest_twisted.ensureDeferred
async def test_what_no_database_can_hold_does_not_lose_the_turn(database: Database) -> None:
    kept = Conversations(database, Clock())
    await kept.append("a", "c", [Message("user", "a\0b"), Message("assistant", "\0\0")], 0.0)
    assert [turn.content for turn in await kept.page("a", "c", 0)] == ["a\ufffdb", "\ufffd\ufffd"]


@pytest_twisted.ensureDeferred
async def test_a_long_one_is_read_page_by_page(database: Database) -> None:
    kept = Conversations(database, Clock())
    await kept.append("a", "c", numbered(1, 2 * PAGE + 1), 0.0)
    pages = [await kept.page("a", "c", after) for after in (0, PAGE, 2 * PAGE, 2 * PAGE + 1)]
    numbers = [turn.number for page in pages for turn in page]
    assert [len(page) for page in pages] == [PAGE, PAGE, 1, 0]
    assert numbers == list(range(1, 2 * PAGE + 2))


@pytest_twisted.ensureDeferred
async def test_an_owner_sees_and_deletes_nobody_elses(database: Database) -> None:
    kept = Conversations(database, Clock())
    for owner, name in (("a", "c"), ("b", "c"), ("a", "d")):
        await kept.append(owner, name, [Message("user", f"{owner} in {name}")], 0.0)
    assert [turn.content for turn in await kept.page("a", "c", 0)] == ["a in c"]
    assert await kept.recent("x", "c", 10) == await kept.page("x", "c", 0) == []
    assert not await kept.delete("x", "c", 0.0)
    assert await kept.delete("a", "c", 0.0)
    assert not await kept.delete("a", "c", 0.0)
    assert await kept.page("a", "c", 0) == []
    assert await database.query("SELECT content FROM turns ORDER BY content") == [("a in d",), ("b in c",)]


@pytest_twisted.ensureDeferred
async def test_what_is_added_at_once_is_numbered_once(database: Database) -> None:
    kept = Conversations(database, Clock())
    await gatherResults([ensureDeferred(kept.append("a", "c", BOTH, 0.0)) for _ in range(20)])
    page = await kept.page("a", "c", 0)
    assert [turn.number for turn in page] == list(range(1, 41))
    assert [turn.role for turn in page] == ["user", "assistant"] * 20


@pytest_twisted.ensureDeferred
async def test_one_that_never_ends_loses_its_beginning(database: Database) -> None:
    kept = Conversations(database, Clock())
    longest = module.LONGEST
    await kept.append("a", "c", [Message("user", "x")] * longest, 0.0)
    for turns, first in ((BOTH[:1], 2), (BOTH, 4)):
        await kept.append("a", "c", turns, 0.0)
        assert await database.query("SELECT MIN(number), COUNT(*) FROM turns") == [(first, longest)]


@pytest_twisted.ensureDeferred
async def test_without_a_database_all_of_it_is_a_503(database: Database) -> None:
    kept = Conversations(database, Clock())
    await database.close()
    name = ("a", "c")
    for work in (kept.append(*name, BOTH, 0.0), kept.recent(*name, 1), kept.page(*name, 0), kept.delete(*name, 0.0)):
        with pytest.raises(ClientError) as caught:
            await work
        assert (caught.value.status, caught.value.retry_after) == (503, 5)


class World:
    """A counselor over a real database."""

    def __init__(self, database: Database, elsewhere: Elsewhere | None = None) -> None:
        self.provider = ScriptedProvider()
        self.answers = Answers(reactor)
        self.kept = Conversations(database, Clock())
        self.counselor = Counselor(
            self.provider, reactor, self.answers, conversations=self.kept, elsewhere=elsewhere
        )
        self.everywhere: Any = self.counselor.everywhere

    async def ask(self, owner: Owner, message: str, **chat: Any) -> tuple[Any, Deferred[None]]:
        """The provider's part, and when the answer has ended."""
        peer = FakePeer()
        asked = Chat(message, conversation_id="c", locale="en", **chat)
        answer = self.counselor.chat(owner, asked, peer, peer.emit)
        generation = await self.provider.asked()
        # A provider says nothing before it has returned.
        await turn()
        return generation, answer.wait()

    async def said(self, owner: Owner) -> list[tuple[str, str]]:
        return [(turn.role, turn.content) for turn in await self.kept.page(owner.name, "c", 0)]


@pytest_twisted.ensureDeferred
async def test_the_model_sees_the_history_that_is_kept_and_not_the_clients(database: Database) -> None:
    world = World(database)
    generation, ended = await world.ask(SARA, "first", conversation_history=[Said("user", "made up")])
    assert [message.content for message in generation.messages[1:]] == ["first"]
    generation.say("one")
    generation.finish()
    await soon(ended)
    # Asked as soon as the end of the first is told; from another device of the same user.
    generation, ended = await world.ask(Owner("s9", "u1"), "second")
    assert [message.content for message in generation.messages[1:]] == ["first", "one", "second"]
    generation.say("tw")
    generation.cancel()
    await soon(ended)
    assert await world.said(SARA) == [("user", "first"), ("assistant", "one"), ("user", "second"), ("assistant", "tw")]
    generation, _ = await world.ask(OMID, "mine")
    assert [message.content for message in generation.messages[1:]] == ["mine"]
    world.answers.stop()
    assert await world.said(OMID) == []


@pytest.mark.parametrize("earlier", [True, False], ids=["with turns", "just begun"])
@pytest_twisted.ensureDeferred
async def test_what_is_deleted_while_an_answer_runs_is_not_stored_by_it(database: Database, earlier: bool) -> None:
    """By another process, whose memory is its own; `Counselor.delete` would also end the answer."""
    world, other_process = World(database), Conversations(database, Clock())
    if earlier:
        await world.kept.append(SARA.name, "c", BOTH, 0.0)
    generation, ended = await world.ask(SARA, "first")
    assert await other_process.delete(SARA.name, "c", reactor.seconds()) is earlier
    generation.say("one")
    generation.finish()
    await soon(ended)
    assert await world.said(SARA) == []
    # It can be begun anew.
    generation, ended = await world.ask(SARA, "second")
    generation.say("two")
    generation.finish()
    await soon(ended)
    assert await world.said(SARA) == [("user", "second"), ("assistant", "two")]
    world.answers.stop()


@pytest_twisted.ensureDeferred
async def test_processes_that_add_to_one_conversation_at_once_number_its_turns_once(database: Database) -> None:
    processes = [Conversations(database, Clock()) for _ in range(8)]
    await gatherResults([ensureDeferred(kept.append("a", "c", BOTH, 0.0)) for kept in processes])
    assert [turn.number for turn in await processes[0].page("a", "c", 0)] == list(range(1, 17))


@pytest_twisted.ensureDeferred
async def test_deleting_ends_what_runs_and_forgets_what_is_kept_of_that_conversation_alone(database: Database) -> None:
    world = World(database)
    done, ended = await world.ask(SARA, "1", message_id="done")
    done.say("one")
    done.finish()
    await soon(ended)
    running, _ = await world.ask(SARA, "2", message_id="running")
    running.say("two")
    peer = FakePeer()
    world.counselor.chat(SARA, Chat("3", message_id="other", conversation_id="d"), peer, peer.emit)
    world.counselor.chat(OMID, Chat("4", message_id="his", conversation_id="c"), peer, peer.emit)
    assert await world.counselor.delete(SARA, "c")
    assert running.is_cancelled
    assert [stream["messageId"] for stream in world.everywhere.streams(SARA)] == ["other"]
    assert [stream["messageId"] for stream in world.everywhere.streams(OMID)] == ["his"]
    assert await world.said(SARA) == []
    assert not await world.counselor.delete(SARA, "c")
    assert await world.counselor.delete(OMID, "c")
    world.answers.stop()


@pytest.mark.parametrize("end", ["failed", "cancelled unsaid"])
@pytest_twisted.ensureDeferred
async def test_what_was_not_answered_is_not_kept(database: Database, end: str) -> None:
    world = World(database)
    generation, ended = await world.ask(SARA, "?")
    if end == "failed":
        generation.say("half")
        generation.fail(Kind.INTERRUPTED)
    else:
        generation.cancel()
    await soon(ended)
    assert await world.said(SARA) == []
    world.answers.stop()


@pytest_twisted.ensureDeferred
async def test_cancelled_while_its_history_is_read_an_answer_is_never_paid_for(database: Database) -> None:
    world = World(database)
    peer = FakePeer()
    world.counselor.chat(SARA, Chat("?", message_id="m", conversation_id="c"), peer, peer.emit)
    world.everywhere.cancel(SARA, "m")
    assert [event for event, _ in peer.emitted] == ["ai:response:start", "ai:response:complete"]
    await world.said(SARA)
    assert world.provider.generations == []
    world.answers.stop()


class Silent(Alone):
    """Another process, which has nothing, and takes its time to say so."""

    alone = False

    def __init__(self) -> None:
        self.said: Deferred[None] = Deferred()

    async def find(self, owner: Owner, message_id: str, *, unfailed: bool = False, claim: bool = False) -> None:
        await self.said


@pytest_twisted.ensureDeferred
async def test_cancelled_while_another_process_is_asked_no_history_is_read(database: Database) -> None:
    silent = Silent()
    world, peer = World(database, silent), FakePeer()
    world.counselor.chat(SARA, Chat("?", message_id="m", conversation_id="c"), peer, peer.emit)
    world.everywhere.cancel(SARA, "m")
    silent.said.callback(None)
    assert (database.busy, world.provider.generations) == (0, [])
    world.answers.stop()


@pytest.mark.parametrize("names", ["one", "many"])
@pytest_twisted.ensureDeferred
async def test_who_cancels_while_histories_are_read_has_no_more_of_them_read(database: Database, names: str) -> None:
    """All others would wait behind them, and each keeps what was asked."""
    world, peer, refused = World(database), FakePeer(), 0
    for number in range(20):
        chat = Chat("?", message_id=str(number), conversation_id="c" if names == "one" else f"c{number}")
        try:
            world.counselor.chat(SARA, chat, peer, peer.emit)
        except ClientError as error:
            refused += error.status == 429
        else:
            world.everywhere.cancel(SARA, str(number))
    assert refused == 16
    # Others are not held up by it, and she is not once they are read.
    (await world.ask(OMID, "!"))[0].finish()
    await world.said(SARA)
    while database.busy:
        await turn()
    (await world.ask(SARA, "!"))[0].finish()
    assert not world.counselor._reading
    world.answers.stop()


@pytest_twisted.ensureDeferred
async def test_without_its_history_a_question_is_not_answered(database: Database) -> None:
    world = World(database)
    await database.close()
    peer = FakePeer()
    answer = world.counselor.chat(SARA, Chat("?", message_id="m", conversation_id="c"), peer, peer.emit)
    await soon(answer.wait())
    assert peer.emitted[-1][0] == "ai:response:error"
    assert peer.emitted[-1][1]["retryable"] is True
    assert world.provider.generations == []
    world.answers.stop()
