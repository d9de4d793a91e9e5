"""``/api/ai/conversations``: read page by page and deleted by their owner, over a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from tests.support.doors import House, quiet
from tests.support.gateway import Gateway, reactor
from tests.support.patterns import TIMESTAMP
from tests.support.rest import call, refused
from yekta.ai.provider import Message
from yekta.app.conversations import PAGE
from yekta.app.database import Database, prepare

CHAT, PATH = "/api/ai/chat", "/api/ai/conversations/c"


class KeepingGateway(Gateway):
    """One that has a database for conversations."""

    def _open_database(self) -> None:
        super()._open_database()
        database: Any = Database(prepare(self.settings.database_url), reactor, connections=2)
        self._database = database


@pytest_twisted.async_yield_fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    gateway = KeepingGateway(DATABASE_URL=f"sqlite:///{tmp_path}/db")
    await gateway.start()
    house = House(gateway)
    yield house
    await house.close()
    await quiet()


async def chat(house: House, token: str, message: str, answer: str) -> None:
    """Ask within the conversation, and be answered."""
    asked = ensureDeferred(call(house, "POST", CHAT, {"message": message, "conversationId": "c"}, token=token))
    generation = await house.gateway.provider.asked()
    generation.say(answer)
    generation.finish()
    assert (await asked).json["response"] == answer


async def numbers(house: House, token: str, after: str) -> tuple[list[int], int | None]:
    """The numbers of one page's turns, and where the next begins."""
    page = (await call(house, "GET", PATH + after, token=token)).json
    paths = (await call(house, "GET", "/api-docs/openapi.json")).json["paths"]
    described = paths["/api/ai/conversations/{conversation_id}"]["get"]["responses"]["200"]
    jsonschema.validate(page, described["content"]["application/json"]["schema"])
    data = page["data"]
    return [turn["number"] for turn in data["turns"]], data["next"]


@pytest_twisted.ensureDeferred
async def test_both_sides_are_read_back_by_every_device_of_their_owner_alone(house: House) -> None:
    phone, _ = await house.gateway.acquire("42")
    laptop, _ = await house.gateway.acquire("42")
    stranger, _ = await house.gateway.acquire()
    await chat(house, phone, "سلام", "درود 🌱")
    turns = [
        {"number": 1, "role": "user", "content": "سلام", "timestamp": TIMESTAMP},
        {"number": 2, "role": "assistant", "content": "درود 🌱", "timestamp": TIMESTAMP},
    ]
    for token, shown in ((phone, turns), (laptop, turns), (stranger, [])):
        answer = await call(house, "GET", PATH, token=token)
        data = {"conversationId": "c", "turns": shown, "next": None}
        assert (answer.status, answer.json) == (200, {"success": True, "data": data})
    assert (await refused(house, "GET", PATH))[0] == 401


@pytest_twisted.ensureDeferred
async def test_a_long_one_comes_page_by_page(house: House) -> None:
    token, session = await house.gateway.acquire()
    said = [Message("user", "?")] * (PAGE + 1)
    await house.gateway.conversations.append(f"session:{session.id}", "c", said, 0.0)
    assert await numbers(house, token, "") == (list(range(1, PAGE + 1)), PAGE)
    assert await numbers(house, token, f"?after={PAGE}") == ([PAGE + 1], None)
    assert await numbers(house, token, f"?after={PAGE + 1}") == ([], None)


@pytest.mark.parametrize("path", [PATH + "?after=x", PATH + "?after=-1", PATH + "?after=" + "9" * 16, PATH + "%20"])
@pytest_twisted.ensureDeferred
async def test_what_is_no_number_and_no_name_is_refused(house: House, path: str) -> None:
    token, _ = await house.gateway.acquire()
    assert (await refused(house, "GET", path, token=token))[0] == 400


@pytest_twisted.ensureDeferred
async def test_deleting_is_deleting(house: House) -> None:
    token, _ = await house.gateway.acquire()
    stranger, _ = await house.gateway.acquire()
    await chat(house, token, "1", "one")
    body = {"message": "2", "messageId": "m", "conversationId": "c"}
    asked = ensureDeferred(call(house, "POST", CHAT, body, token=token))
    generation = await house.gateway.provider.asked()
    assert (await refused(house, "DELETE", PATH))[0] == 401
    assert (await refused(house, "DELETE", PATH, token=stranger))[:2] == (404, "Not Found")
    assert not generation.is_cancelled
    answer = await call(house, "DELETE", PATH, token=token)
    assert (answer.status, answer.json) == (200, {"success": True, "data": {"conversationId": "c"}})
    assert generation.is_cancelled
    assert (await asked).json["metadata"] == {"finishReason": "cancelled"}
    assert await numbers(house, token, "") == ([], None)
    assert (await refused(house, "GET", "/api/ai/stream/m", token=token))[0] == 404
    assert (await refused(house, "DELETE", PATH, token=token))[0] == 404


@pytest_twisted.ensureDeferred
async def test_without_a_session_nothing_is_kept(house: House) -> None:
    """Who shares an address must not be answered out of another's conversation."""
    answer = await refused(house, "POST", CHAT, {"message": "?", "conversationId": "c"})
    assert answer == (401, "No token provided", "A conversation is kept for its session only.")
    assert house.gateway.provider.generations == []


@pytest_twisted.ensureDeferred
async def test_what_a_session_kept_goes_when_sessions_that_are_no_more_are_removed(house: House) -> None:
    # The sessions of these tests are in no database, so to it nobody's is there.
    stranger, _ = await house.gateway.acquire()
    user, _ = await house.gateway.acquire("42")
    for token in (stranger, user):
        await chat(house, token, "سلام", "درود")
        # Whoever reads waits for what is still being written.
        assert await numbers(house, token, "") == ([1, 2], None)
    await house.gateway.sessions._purge()
    assert [await numbers(house, token, "") for token in (stranger, user)] == [([], None), ([1, 2], None)]
