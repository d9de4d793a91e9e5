"""A conversation with the AI, as a service answers it that does what the test wants."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, DeferredQueue

from tests.command.test_network import network
from tests.support.patience import soon, turn
from yekta.command import conversation
from yekta.command.conversation import Conversation
from yekta.command.failure import CommandError
from yekta.command.native import NO_EVENT

reactor: Any = _reactor

END = ("ai:response:complete", {"fullResponse": "Yes."})


class Service(WebSocketServerProtocol):
    """Welcomes everybody unless its factory ``refuses``, and answers each question as its ``script`` has it."""

    def onConnect(self, request: Any) -> None:
        if self.factory.refuses:
            self.factory.refused += 1
            raise ConnectionDeny(self.factory.refuses)

    def onOpen(self) -> None:
        self.factory.connected = self
        self.say("connected", {})

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        asked = json.loads(payload)
        self.factory.asked.append(asked)
        self.factory.came.put(asked)
        if self.factory.leaves:
            self.dropConnection(abort=True)
        for event, data in self.factory.script:
            self.say(event, {"messageId": asked["data"]["messageId"], **data})

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        self.factory.closed.put(code)

    def say(self, event: str, data: Any) -> None:
        self.sendMessage(json.dumps({"event": event, "data": data}).encode())


class Talk:
    """``said``: what the terminal got."""

    def __init__(self) -> None:
        self.factory: Any = WebSocketServerFactory()
        self.factory.protocol = Service
        self.factory.script = [END]
        self.factory.asked = []
        self.factory.came = DeferredQueue()
        self.factory.refuses = self.factory.refused = 0
        self.factory.leaves = False
        self.factory.closed = DeferredQueue()
        self.port = reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        self.said: list[str] = []
        self.network = network()
        url = f"http://127.0.0.1:{self.port.getHost().port}"
        self.conversation = Conversation(self.network, url, "token", "en", self.said.append)

    def ask(self, message: str) -> Deferred[None]:
        return soon(Deferred.fromCoroutine(self.conversation.ask(message)))


@pytest_twisted.async_yield_fixture
async def talk() -> AsyncIterator[Talk]:
    talk = Talk()
    yield talk
    talk.conversation.close()
    await soon(talk.factory.closed.get())
    await talk.network.close()
    await talk.port.stopListening()


@pytest_twisted.ensureDeferred
async def test_the_last_ten_turns_go_along(talk: Talk) -> None:
    for number in range(7):
        await talk.ask(str(number))
    history = talk.factory.asked[-1]["data"]["conversationHistory"]
    assert [turn["content"] for turn in history] == ["1", "Yes.", "2", "Yes.", "3", "Yes.", "4", "Yes.", "5", "Yes."]
    assert [turn["role"] for turn in history] == ["user", "assistant"] * 5
    assert "".join(talk.said) == "Yes." * 7


@pytest_twisted.ensureDeferred
async def test_what_belongs_to_another_answer_is_not_said_and_help_lines_are(talk: Talk) -> None:
    other = {"messageId": "another", "chunk": "No."}
    talk.factory.script = [("ai:response:chunk", other), ("ai:notice", {"text": "There is help."}), END]
    await talk.ask("?")
    assert talk.said == ["[There is help.]\n", "Yes."]


@pytest.mark.parametrize(
    ("event", "error", "sentence"),
    [
        ("ai:response:error", "It is busy.", "The AI does not answer: It is busy."),
        ("error", "Too many events", "The service refuses: Too many events."),
    ],
)
@pytest_twisted.ensureDeferred
async def test_an_error_is_said_and_the_conversation_goes_on_without_it(
    talk: Talk, event: str, error: str, sentence: str
) -> None:
    talk.factory.script = [(event, {"error": error})]
    with pytest.raises(CommandError) as caught:
        await talk.ask("?")
    assert str(caught.value) == sentence
    assert talk.conversation.cancel() is False
    talk.factory.script = [END]
    await talk.ask("?")
    assert talk.factory.asked[-1]["data"]["conversationHistory"] == []


@pytest_twisted.ensureDeferred
async def test_who_is_refused_for_good_does_not_try_again(talk: Talk) -> None:
    talk.factory.refuses = 401
    with pytest.raises(CommandError, match="401"):
        await talk.ask("?")
    assert talk.factory.refused == 1


@pytest.mark.parametrize(
    "event",
    [
        ("ai:notice", {}),
        ("ai:response:chunk", {"chunk": None}),
        ("ai:response:complete", {"fullResponse": 5}),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_no_answer_is_said_to_be_none(talk: Talk, event: tuple[str, Any]) -> None:
    talk.factory.script = [event]
    with pytest.raises(CommandError, match=NO_EVENT):
        await talk.ask("?")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> tuple[float, ...]:
    """Those before each new attempt, made short."""
    pauses = (0.01, 0.02, 0.03)
    monkeypatch.setattr(conversation, "_PAUSES", pauses)
    return pauses


@pytest.mark.parametrize("status", [500, 503])
@pytest_twisted.ensureDeferred
async def test_who_is_about_to_come_back_is_tried_again_after_pauses(
    talk: Talk, pauses: tuple[float, ...], status: int
) -> None:
    talk.factory.refuses, began = status, reactor.seconds()
    with pytest.raises(CommandError, match=str(status)):
        await talk.ask("?")
    assert talk.factory.refused == 4
    assert reactor.seconds() - began >= sum(pauses)


@pytest_twisted.ensureDeferred
async def test_who_leaves_at_every_question_is_asked_again_a_few_times(talk: Talk, pauses: tuple[float, ...]) -> None:
    talk.factory.leaves, began = True, reactor.seconds()
    with pytest.raises(CommandError, match=r"^The connection was closed \(1006\)\.$"):
        await talk.ask("?")
    assert len(talk.factory.asked) == 4
    assert talk.said == ["\n[connection lost, resuming]\n"] * 4
    assert reactor.seconds() - began >= sum(pauses[:2])
    talk.factory.leaves = False
    await talk.ask("?")


@pytest_twisted.ensureDeferred
async def test_a_connection_that_was_cut_while_nobody_asked_is_not_worth_a_word(talk: Talk) -> None:
    await talk.ask("?")
    talk.factory.connected.dropConnection(abort=True)
    await soon(talk.factory.closed.get())
    await talk.ask("?")
    assert talk.said == ["Yes.", "Yes."]


@pytest_twisted.ensureDeferred
async def test_an_answer_that_was_cut_is_asked_for_from_where_it_was(talk: Talk) -> None:
    talk.factory.script = [("ai:response:start", {}), ("ai:response:chunk", {"chunk": "Y", "seq": 4})]
    asking = talk.ask("?")
    asked = await soon(talk.factory.came.get())
    # The service has said its script by then.
    await turn()
    talk.factory.script = [("ai:response:chunk", {"chunk": "es", "seq": 5}), END]
    talk.factory.connected.dropConnection()
    await soon(talk.factory.closed.get())
    await asking
    resumed = {"event": "ai:resume", "data": {"messageId": asked["data"]["messageId"], "seq": 4}}
    assert talk.factory.asked == [asked, resumed]
    assert talk.said == ["Y", "\n[connection lost, resuming]\n", "es", "."]
