"""The console page in a real browser: its connection is cut in the middle of an answer, and it shows it whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from zope.interface import implementer

from tests.support.doors import House, house, quiet
from tests.support.gateway import Gateway, reactor
from tests.support.node import running
from yekta.ai.provider import Completion, IProvider, Message
from yekta.app.answer import State
from yekta.app.care import DEFAULT_FOLDER
from yekta.services.localai import LocalModel, LocalSettings

__all__ = ["house"]

# A question, and what the page shows before its answer. The browser speaks English.
HARM = ("I want to die", [(DEFAULT_FOLDER / "help.en.txt").read_text("utf-8").strip()])
NO_HARM: tuple[str, list[str]] = ("?", [])


async def until(house: House, holds: Callable[[], bool]) -> None:
    """Ask something else until it is so."""
    for _ in range(2000):
        if holds():
            return
        await house.get("/health/live")
    raise AssertionError("It never is so.")


@pytest.mark.needs("node", "chromium")
@pytest.mark.parametrize(
    ("door", "asked"),
    [("native", HARM), ("socketio-websocket", NO_HARM), ("socketio-polling", NO_HARM)],
    ids=["native", "socketio-websocket", "socketio-polling"],
)
@pytest_twisted.ensureDeferred
async def test_an_answer_that_is_cut_is_shown_whole(house: House, door: str, asked: tuple[str, list[str]]) -> None:
    """After the help lines, where there are any."""
    question, notices = asked
    address = f"http://{house.gateway.api_address}"
    with running("console_resume.mjs", address, door, question) as page:
        generation = await house.gateway.provider.asked()
        generation.say("سلام 🌱 ")
        assert await deferToThread(page.hear) == {"read": "سلام 🌱 ", "notices": notices}
        page.tell("cut")
        assert await deferToThread(page.hear) == {"cut": True}
        generation.say("while away, ")
        page.tell("come back")
        await until(house, lambda: any(peer.following for peer in house.gateway.hub.peers))
        generation.say("and back!")
        generation.finish()
        assert await deferToThread(page.hear) == {"whole": "سلام 🌱 while away, and back!", "note": ""}
        await until(house, lambda: not house.gateway.hub.peers)
        page.tell("leave")
        assert await deferToThread(page.hear) == {"left": True}


@implementer(IProvider)
class Paced:
    """Another provider, whose pieces of text come as they are let through: a browser may be slower than a model."""

    def __init__(self, provider: IProvider) -> None:
        self.name = provider.name
        self.check = provider.check
        self._provider = provider
        self._kept: list[str] = []
        self._let = 0
        self._emptied: Deferred[None] | None = None

    def generate(self, messages: Sequence[Message], text_received: Callable[[str], None], locale: str = "fa") -> Any:
        self._tell = text_received
        generation = self._provider.generate(messages, self._arrived, locale)
        generation.done.addCallback(self._ended)
        return generation

    def let(self, pieces: int) -> None:
        self._let += pieces
        self._go_on()

    def _arrived(self, text: str) -> None:
        self._kept.append(text)
        self._go_on()

    def _go_on(self) -> None:
        while self._kept and self._let:
            self._let -= 1
            self._tell(self._kept.pop(0))
        if self._emptied is not None and not self._kept:
            self._emptied.callback(None)

    def _ended(self, completion: Completion) -> Completion | Deferred[Completion]:
        if not self._kept:
            return completion
        self._emptied = Deferred()
        return self._emptied.addCallback(lambda _: completion)


class LocalGateway(Gateway):
    """One whose answers are the embedded model's."""

    def _provider(self) -> IProvider:
        model = LocalModel(reactor, LocalSettings(max_tokens=192))
        model.setServiceParent(self)
        self.paced = Paced(model.provider)
        return self.paced


@pytest_twisted.async_yield_fixture
async def local_house() -> AsyncIterator[House]:
    gateway = LocalGateway()
    await gateway.start()
    house = House(gateway)
    yield house
    await house.close()
    await quiet()


@pytest.mark.needs("node", "chromium")
@pytest_twisted.ensureDeferred
async def test_a_real_models_answer_that_is_cut_is_shown_whole(local_house: House) -> None:
    gateway: Any = local_house.gateway
    gateway.paced.let(2)
    with running("console_resume.mjs", f"http://{gateway.api_address}", "native", "Tell me a long story.") as page:
        read: Any = await deferToThread(page.hear)
        [peer] = gateway.hub.peers
        [answer] = [follower.answer for follower in (peer.following or {}).values()]
        page.tell("cut")
        assert await deferToThread(page.hear) == {"cut": True}
        await until(local_house, lambda: not gateway.hub.peers)
        heard = answer.seq
        # It goes on without anybody.
        gateway.paced.let(3)
        await until(local_house, lambda: answer.seq >= heard + 3)
        assert answer.state is State.RUNNING
        page.tell("come back")
        gateway.paced.let(1000)
        shown: Any = await deferToThread(page.hear)
        assert answer.state is State.COMPLETE
        assert shown["whole"] == answer.text
        assert answer.text.startswith(read["read"])
        assert len(read["read"]) < len(answer.text)
        page.tell("leave")
        assert await deferToThread(page.hear) == {"left": True}
