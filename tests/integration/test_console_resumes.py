"""The console page in a real browser: its connection is cut in the middle of an answer, and it shows it whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from tests.support.doors import House, house
from tests.support.node import running

__all__ = ["house"]


async def until(house: House, holds: Callable[[], bool]) -> None:
    """Ask something else until it is so."""
    for _ in range(2000):
        if holds():
            return
        await house.get("/health/live")
    raise AssertionError("It never is so.")


@pytest.mark.needs("node", "chromium")
@pytest.mark.parametrize("door", ["native", "socketio-websocket", "socketio-polling"])
@pytest_twisted.ensureDeferred
async def test_an_answer_that_is_cut_is_shown_whole(house: House, door: str) -> None:
    address = f"http://{house.gateway.api_address}"
    with running("console_resume.mjs", address, door) as page:
        generation = await house.gateway.provider.asked()
        generation.say("سلام 🌱 ")
        assert await deferToThread(page.hear) == {"read": "سلام 🌱 "}
        page.tell("cut")
        assert await deferToThread(page.hear) == {"cut": True}
        generation.say("while away, ")
        page.tell("come back")
        await until(house, lambda: any(peer.following for peer in house.gateway.hub.peers.values()))
        generation.say("and back!")
        generation.finish()
        assert await deferToThread(page.hear) == {"whole": "سلام 🌱 while away, and back!", "note": ""}
        await until(house, lambda: not house.gateway.hub.peers)
        page.tell("leave")
        assert await deferToThread(page.hear) == {"left": True}
