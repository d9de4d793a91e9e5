"""Real clients, in processes that ``SIGSTOP`` stops in the middle of an answer: its text arrives whole, once."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from itertools import combinations_with_replacement
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from tests.support.doors import House, house
from tests.support.followers import Follower
from tests.support.node import Program, running
from tests.support.provider import ScriptedGeneration

__all__ = ["house"]

pytestmark = pytest.mark.needs("node")

PROTOCOLS = ("native", "websocket", "polling", "SSE")
TEXTS = ("سلام", " 🌱 ", "دنیا", "!")
WHOLE = "".join(TEXTS)

# Nobody waits for those that are stopped when the gateway stops.
_impatient = {"DRAIN_ANSWERS_SECONDS": "0", "CLOSE_TIMEOUT": "0.1"}

# Whoever stops is cut off within two seconds.
heartbeats = {"PING_INTERVAL": "0.6", "PING_TIMEOUT": "0.6", "CLOSE_TIMEOUT": "0.1", "RECOVERY_SECONDS": "0"}


class Process(Follower):
    """``answer_client.mjs``."""

    def __init__(self, program: Program, predecessor: Follower | None) -> None:
        super().__init__(predecessor)
        self.program = program

    def stop(self) -> None:
        self.program.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.program.process.send_signal(signal.SIGCONT)

    async def hear(self) -> tuple[str, Any]:
        event, data = await deferToThread(self.program.hear)
        return event, data

    async def read(self, text: str) -> None:
        """Read what was said; polling clients may be told of two chunks in one."""
        while not self.text.endswith(text):
            await self.chunk()


class Street(ExitStack):
    """Where clients come from, and where they end."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house

    def client(self, protocol: str, token: str, predecessor: Follower | None = None) -> Process:
        """One who asks, or goes on where another was stopped."""
        seq = None if predecessor is None else predecessor.seq
        program = running("answer_client.mjs", self._house.gateway.api_address, protocol, token, "m", seq)
        return Process(self.enter_context(program), predecessor)

    async def answered(self, protocol: str, token: str) -> tuple[Process, ScriptedGeneration]:
        """One who asks, and whose answer begins."""
        client = self.client(protocol, token)
        generation = await self._house.gateway.provider.asked()
        assert await client.hear() == ("start", {"messageId": "m"})
        return client, generation


@pytest.mark.parametrize("house", [_impatient], indirect=True)
@pytest.mark.parametrize(("one", "other"), list(combinations_with_replacement(PROTOCOLS, 2)))
@pytest_twisted.ensureDeferred
async def test_whoever_is_stopped_after_a_chunk_is_succeeded_by_another(house: House, one: str, other: str) -> None:
    """At every boundary in turn. The stopped ones stay connected, and take nothing: nobody waits for them."""
    token, _ = await house.gateway.acquire()
    with Street(house) as street:
        client, generation = await street.answered(one, token)
        for number, text in enumerate(TEXTS[:-1]):
            client.stop()
            generation.say(text)
            client = street.client((other, one)[number % 2], token, client)
            await client.read(text)
            assert client.replays == 1
        generation.say(TEXTS[-1])
        generation.finish()
        assert await client.end() == ("complete", {"messageId": "m", "fullResponse": WHOLE})
        assert client.text == WHOLE
        assert len(house.gateway.provider.generations) == 1


@pytest.mark.parametrize("house", [_impatient], indirect=True)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest_twisted.ensureDeferred
async def test_whoever_is_stopped_for_a_moment_reads_on(house: House, protocol: str) -> None:
    token, _ = await house.gateway.acquire()
    with Street(house) as street:
        client, generation = await street.answered(protocol, token)
        for text in TEXTS:
            client.stop()
            generation.say(text)
            await house.get("/health/live")
            client.go_on()
            await client.read(text)
        client.stop()
        generation.finish()
        client.go_on()
        assert await client.end() == ("complete", {"messageId": "m", "fullResponse": WHOLE})
        assert (client.text, client.replays) == (WHOLE, 0)


@pytest.mark.parametrize("house", [heartbeats], indirect=True)
@pytest.mark.parametrize("protocol", PROTOCOLS[:-1])
@pytest_twisted.ensureDeferred
async def test_whoever_is_stopped_until_cut_off_comes_back_for_the_rest(house: House, protocol: str) -> None:
    token, _ = await house.gateway.acquire()
    with Street(house) as street:
        client, generation = await street.answered(protocol, token)
        generation.say(TEXTS[0])
        await client.read(TEXTS[0])
        client.stop()
        generation.say(TEXTS[1])
        while house.gateway.hub.peers:
            await house.get("/health/live")
        generation.say(TEXTS[2])
        client.go_on()
        # What was on its way when it was cut off may have arrived.
        assert (await client.end())[0] == "lost"
        assert client.text in (TEXTS[0], TEXTS[0] + TEXTS[1])
        returned = street.client(protocol, token, client)
        await returned.read(TEXTS[2])
        generation.say(TEXTS[3])
        generation.finish()
        assert await returned.end() == ("complete", {"messageId": "m", "fullResponse": WHOLE})
        assert (returned.text, returned.replays) == (WHOLE, 1)
        assert not generation.is_cancelled
