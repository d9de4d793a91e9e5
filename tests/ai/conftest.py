"""A scripted server and a provider that asks it, over real sockets; the provider's time is a ``Clock``."""

from __future__ import annotations

import pytest_twisted

from tests.ai.client import Client
from tests.support.openai import OpenAIServer


@pytest_twisted.async_yield_fixture
async def server():
    server = OpenAIServer()
    await server.start()
    yield server
    await server.stop()


@pytest_twisted.async_yield_fixture
async def client(server):
    client = Client(server)
    yield client
    await client.close()
    assert client.clock.getDelayedCalls() == []
