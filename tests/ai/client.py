"""A chat provider for one test, and what it delivered."""

from __future__ import annotations

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.tcp import Client as TCPClient

from tests.support.clocks import TwoClocks
from tests.support.openai import OpenAIServer
from yekta.ai.chat import ChatProvider, ChatSettings
from yekta.ai.http import HostEndpoints, make_agent, make_pool
from yekta.ai.provider import Message, ProviderError

SECRET = "a secret question"
ASKED = [Message("user", SECRET)]


class Client:
    """A provider for one test, with the texts it delivered."""

    def __init__(self, server: OpenAIServer) -> None:
        self.server = server
        self.clock = TwoClocks()
        self.pool = make_pool(reactor)
        self.texts: list[str] = []
        self.first_text: Deferred[None] = Deferred()

    def provider(self, **settings) -> ChatProvider:
        settings = {"base_url": self.server.base_url, "model": "m", **settings}
        agent = make_agent(reactor, self.pool, HostEndpoints(reactor))
        return ChatProvider("test", ChatSettings(**settings), agent, self.clock)

    def text_received(self, text: str) -> None:
        self.texts.append(text)
        if len(self.texts) == 1:
            # A turn later, so that the test does not go on inside this call.
            reactor.callLater(0, self.first_text.callback, None)

    def generate(self, **settings):
        return self.provider(**settings).generate(ASKED, self.text_received)

    async def fail(self, **settings) -> ProviderError:
        return await failure_of(self.generate(**settings))

    async def close(self) -> None:
        """Close every connection, also those whose last answer still runs out and that would come to the pool later."""
        self.pool._putConnection = lambda key, connection: connection.abort()
        await self.pool.closeCachedConnections()

    def is_reading(self) -> bool:
        """Whether the reactor reads the one connection to the server."""
        peers = [reader.getPeer() for reader in reactor.getReaders() if isinstance(reader, TCPClient)]
        return any(str(peer.port) in self.server.base_url for peer in peers)


async def failure_of(generation) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await generation.done
    return caught.value
