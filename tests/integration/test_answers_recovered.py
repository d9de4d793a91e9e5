"""Connection state recovery and answers: a Socket.IO client that comes back neither misses nor repeats a chunk."""

from __future__ import annotations

import json
from typing import Any

import pytest
import pytest_twisted

from tests.support.clients import Heard
from tests.support.doors import House, house
from tests.support.provider import ScriptedGeneration
from tests.support.socketio_clients import WebSocketClient

__all__ = ["house"]

TEXTS = ("سلام", " ", "دنیا", "!", "?")


class RecoveringClient(WebSocketClient):
    """One that remembers the offset of the last event, and shows it when it comes back."""

    pid = ""
    offset = ""

    async def arrive(self, token: str, predecessor: RecoveringClient | None = None) -> None:
        """Join, as a new client or in the place of another."""
        auth: dict[str, Any] = {"token": token, "recover": True}
        if predecessor is not None:
            auth |= {"pid": predecessor.pid, "offset": predecessor.offset}
        await self.join(auth)

    def received(self, message: str | bytes) -> None:
        assert isinstance(message, str)
        if message.startswith("42"):
            event, data, self.offset = json.loads(message[2:])
            self._inbox.put(Heard(event, data))
        else:
            super().received(message)

    async def connected(self) -> str:
        """The id it was given, or given back."""
        heard = await self.hear()
        assert heard.event == "connect"
        self.pid = heard.data["pid"]
        sid: str = heard.data["sid"]
        return sid

    async def recover(self, sid: str, text: str, said: str) -> None:
        """Having read ``text``, read on to all that was ``said``, wherever the CONNECT comes in between."""
        events = []
        while text != said or len(events) < 2:
            heard = await self.hear()
            if heard.event == "ai:response:chunk":
                assert heard.data["offset"] == len(text)
                text += heard.data["chunk"]
            else:
                events.append(heard)
        assert [heard.event for heard in events] == ["connect", "connected"]
        assert events[0].data["sid"] == sid

    async def cut(self) -> None:
        """Break the connection without a word."""
        self.websocket.transport.abortConnection()
        await self.ended()


async def client(house: House) -> RecoveringClient:
    made = await RecoveringClient.connect(house.gateway.api_address)
    house.clients.append(made)
    return made


async def asking(house: House) -> tuple[str, RecoveringClient, str, ScriptedGeneration]:
    """A session's token, its client whose answer begins, the client's id, and the answer."""
    token, _ = await house.gateway.acquire()
    first = await client(house)
    await first.arrive(token)
    sid = await first.connected()
    assert (await first.hear()).event == "connected"
    await first.say("ai:chat", {"message": "?", "messageId": "m"})
    await first.expect("ai:response:start", {"messageId": "m"})
    return token, first, sid, await house.gateway.provider.asked()


def chunk(seq: int) -> Heard:
    offset = len("".join(TEXTS[:seq]))
    data = {"messageId": "m", "chunk": TEXTS[seq], "seq": seq, "offset": offset}
    return Heard("ai:response:chunk", data)


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "half open"])
@pytest.mark.parametrize("lost", range(len(TEXTS)))
@pytest.mark.parametrize("unheard", range(len(TEXTS)))
@pytest_twisted.ensureDeferred
async def test_a_client_that_recovers_hears_each_chunk_once(
    house: House, lost: int, unheard: int, noticed: bool
) -> None:
    """``lost``: chunks before the connection breaks. ``unheard``: how many of the last of them were lost on the way.
    ``noticed``: whether the server knows that it broke when it says the next.
    """
    token, first, sid, generation = await asking(house)
    offsets = [first.offset]
    for seq in range(lost):
        generation.say(TEXTS[seq])
        assert await first.hear() == chunk(seq)
        offsets.append(first.offset)
    heard = max(lost - unheard, 0)
    first.offset = offsets[heard]
    await first.cut()
    if noticed:
        await house.get("/health/live")
        assert house.gateway.hub.peers == []
    generation.say(TEXTS[lost])
    second = await client(house)
    await second.arrive(token, first)
    await second.recover(sid, "".join(TEXTS[:heard]), "".join(TEXTS[: lost + 1]))
    for seq in range(lost + 1, len(TEXTS)):
        generation.say(TEXTS[seq])
        assert await second.hear() == chunk(seq)
    generation.finish()
    await second.expect("ai:response:complete", {"messageId": "m", "fullResponse": "".join(TEXTS)})
    await second.cut()


@pytest_twisted.ensureDeferred
async def test_what_ended_meanwhile_is_told_to_who_recovers(house: House) -> None:
    token, first, sid, generation = await asking(house)
    await first.cut()
    await house.get("/health/live")
    generation.say(TEXTS[0])
    generation.finish()
    second = await client(house)
    await second.arrive(token, first)
    await second.recover(sid, "", TEXTS[0])
    await second.expect("ai:response:complete", {"messageId": "m", "fullResponse": TEXTS[0]})
    await second.cut()
