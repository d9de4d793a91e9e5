"""Who is let in while the others are sent away already."""

from __future__ import annotations

import pytest_twisted
from twisted.internet.defer import Deferred, ensureDeferred

from tests.support.clients import NativeClient
from tests.support.gateway import Gateway
from tests.support.patience import turn
from yekta.websocket.limits import SERVICE_RESTART


@pytest_twisted.ensureDeferred
async def test_who_comes_in_during_a_drain_is_told_to_come_back_at_its_end() -> None:
    gateway = Gateway()
    await gateway.start()
    early = await NativeClient.connect(gateway.ws_address, (await gateway.acquire())[0])
    await early.greet()
    token = await gateway.acquire_until(2e9)
    gateway.store.gate = Deferred()
    coming = ensureDeferred(NativeClient.connect(gateway.ws_address, token))
    while not gateway.store.asked["find"]:
        await turn()
    stopped = ensureDeferred(gateway.stop())
    while not gateway.native.draining:
        await turn()
    gateway.store.gate.callback(None)
    late = await coming
    await late.greet()
    assert [await client.ended() for client in (early, late)] == [SERVICE_RESTART] * 2
    await stopped
