"""To whoever reads an answer all workers of a service are one."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest_twisted

from tests.support.clients import Client
from tests.support.cuts import read
from tests.support.doors import SOCKETIO, House
from tests.support.followers import EventFollower
from tests.support.lanes import API
from tests.support.patience import soon
from tests.support.played_ai import PlayedAI
from tests.support.services import acquire, started


@pytest_twisted.ensureDeferred
async def test_the_workers_of_one_service_know_of_each_others_answers(tmp_path: Path) -> None:
    ai = PlayedAI()
    await ai.start()
    with started(API, "--workers=2", folder=tmp_path, settings={"AI_BASE_URL": ai.base_url}) as service:
        service.await_line(re.compile("all 2 workers serve"))
        address: Any = SimpleNamespace(api_address=f"127.0.0.1:{service.port}")
        house, token = House(address), acquire(service.port)
        clients: dict[str, Client] = {}
        while len(clients) < 2:
            client = await house.enter(SOCKETIO[0], token)
            # By the tag of its process.
            known = clients.setdefault(client.handshake["sid"][:4], client)  # type: ignore[attr-defined]
            if known is not client:
                await client.leave()
        here, there = clients.values()
        first = EventFollower(here, None)
        await first.ask("m")
        generation = await ai.asked()
        generation.say("half")
        await read(first, "half")
        second = EventFollower(there, None)
        await second.resume("m")
        await read(second, "half")
        await first.cut()
        generation.say(" more")
        await read(second, " more")
        await there.say("ai:cancel", {"messageId": "m"})
        end = {"messageId": "m", "fullResponse": "half more", "finishReason": "cancelled"}
        assert await second.end() == ("complete", end)
        await soon(generation.cancelled)
        await second.cut()
        assert service.stop() == 0
        assert "Traceback" not in service.text
    await ai.stop()
