"""An answer that the end of the service cuts off: whoever follows it hears so, and that asking again may help."""

from __future__ import annotations

import pytest_twisted
from twisted.internet.defer import ensureDeferred

from tests.support.doors import build, every_door, quiet
from tests.support.rest import call


@every_door
@pytest_twisted.ensureDeferred
async def test_whoever_follows_it_is_told_by_every_door(door: str) -> None:
    house = await build(DRAIN_SECONDS="0.1", DRAIN_ANSWERS_SECONDS="0.3", CLOSE_TIMEOUT="1")
    gateway = house.gateway
    token, _ = await gateway.acquire()
    client = await house.enter(door, token)
    await client.say("ai:chat", {"message": "?", "messageId": "m"})
    generation = await gateway.provider.asked()
    generation.say("half")
    asked = ensureDeferred(call(house, "POST", "/api/ai/chat", {"message": "?"}, token=token))
    await gateway.provider.asked()
    for event in ("ai:response:start", "ai:response:chunk"):
        assert (await client.hear()).event == event
    closing = ensureDeferred(gateway.stop())
    error = {"error": "The server is stopping", "messageId": "m", "retryable": True}
    await client.expect("ai:response:error", error)
    await client.ended()
    assert (await asked).status == 503
    await closing
    assert generation.is_cancelled
    await client.leave()
    await house.http.close()
    await quiet()
