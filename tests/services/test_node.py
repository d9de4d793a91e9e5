"""A node does as its settings say: when it is put together, and when they are read again."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_twisted

from tests.support.clocked import ClockedNode
from tests.support.patience import reactor
from yekta.ai.provider import Message
from yekta.app.owner import Owner
from yekta.app.unwritten import Said
from yekta.services.config import load
from yekta.services.node import Node

OWNER = Owner("s")


def answer(node: ClockedNode, message_id: str, text: str = "words") -> None:
    """Somebody asked, and is answered."""
    answer = node.answers.begin(message_id, OWNER)
    answer.started(node.provider.generate([], answer.text_received))
    generation = node.generation()
    generation.say(text)
    generation.finish()


def kept(node: ClockedNode) -> list[str]:
    return [answer.message_id for answer in node.answers.of(OWNER)]


def test_an_answer_is_kept_as_long_as_it_is_said() -> None:
    node = ClockedNode(AI_KEEP_SECONDS="30")
    answer(node, "m")
    node.clock.advance(29)
    assert kept(node) == ["m"]
    node.clock.advance(2)
    assert kept(node) == []


@pytest.mark.parametrize("most", [{"AI_MAX_KEPT": "2"}, {"AI_MAX_KEPT_CHARACTERS": "11"}])
def test_as_many_answers_are_kept_as_is_said(most: dict[str, str]) -> None:
    node = ClockedNode(**most)
    for message_id in ("first", "second", "third"):
        answer(node, message_id)
    assert kept(node) == ["second", "third"]


def test_all_ways_in_have_their_turns_together() -> None:
    node = ClockedNode()
    rests = node.socketio.rests
    assert node.websockets.rests is rests
    assert node.socketio.websockets.rests is rests
    assert node.socketio.engine.rests is rests


def test_help_is_sent_along_as_is_said_now() -> None:
    assert ClockedNode().counselor.care is not None
    node = ClockedNode(CARE="false")
    assert node.counselor.care is None
    for care in (True, False):
        assert node.reload(load({"LINK_FOLDER": "off", "CARE": str(care)}, {})) == []
        assert (node.counselor.care is not None) == care


def test_a_stop_takes_as_long_as_is_said_now() -> None:
    node = ClockedNode()
    node.reload(load({"DRAIN_SECONDS": "0", "DRAIN_ANSWERS_SECONDS": "3"}, {}))
    assert (node.settings.drain_seconds, node.settings.drain_answers_seconds) == (0, 3)


@pytest_twisted.ensureDeferred
async def test_what_waits_for_the_database_is_written_before_it_is_closed(node: Node, tmp_path: Path) -> None:
    node.conversations.unwritten.add(Said(("s", "c"), (Message("user", "late"),), 0.0, None))
    await node.stopService()
    with closing(sqlite3.connect(tmp_path / "yekta.sqlite3")) as connection:
        assert connection.execute("SELECT content FROM turns").fetchall() == [("late",)]


@pytest_twisted.async_yield_fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """One with a database, and an AI that nobody asks."""
    given = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/yekta.sqlite3",
        "DATABASE_CONNECTIONS": "3",
        "SESSION_LIFETIME": "60",
        "LINK_FOLDER": "off",
        "AI_BASE_URL": "http://127.0.0.1:9/v1",
    }
    node = Node(reactor, load(given, {}))
    node.startService()
    yield node
    await node.stopService()


@pytest_twisted.ensureDeferred
async def test_a_session_lives_as_long_as_is_said(node: Node) -> None:
    _, session = await node.sessions.acquire()
    assert 0 < session.expires_at - reactor.seconds() <= 60


def test_there_are_as_many_connections_to_the_database_as_is_said(node: Node) -> None:
    assert sum(pool.max for pool in {node._database._pool, node._database._writers}) == 3
