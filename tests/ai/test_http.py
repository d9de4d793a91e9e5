"""The agent's differences from Twisted's, on a real connection."""

from __future__ import annotations

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import formatEvent, globalLogPublisher
from twisted.web.client import URI
from twisted.web.http_headers import Headers

from tests.support.openai import Head, Stay, Text
from yekta.ai.chat import _Body
from yekta.ai.http import HostEndpoints, drop, make_agent, make_pool
from yekta.ai.provider import Kind, ProviderError


async def post(server, headers=None):
    agent = make_agent(reactor, make_pool(reactor), HostEndpoints(reactor))
    url = f"{server.base_url}/chat/completions".encode()
    return await agent.request(b"POST", url, headers, _Body(b"{}"))


@pytest_twisted.ensureDeferred
async def test_a_dropped_connection_is_reset(server):
    server.script(Text("x"), Stay())
    drop(await post(server))
    assert isinstance(await server.requests[0].gone, ConnectionLost)


@pytest_twisted.ensureDeferred
async def test_whatever_was_asked_for_identity_is_asked(server):
    server.script(Text("x"), Stay())
    drop(await post(server, Headers({"Accept-Encoding": ["gzip", "br"]})))
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip"])
@pytest_twisted.ensureDeferred
async def test_another_content_coding_is_refused(server, coding):
    server.script(Head(200, {"Content-Encoding": coding}), Text("x"), Stay())
    with pytest.raises(ProviderError) as caught:
        await post(server)
    assert caught.value.kind is Kind.PROTOCOL
    await server.requests[0].gone


@pytest.mark.parametrize(("url", "tls"), [(b"https://h.example/v1", True), (b"http://h.example/v1", False)])
def test_https_is_over_tls(url, tls):
    endpoint = HostEndpoints(reactor).endpointForURI(URI.fromBytes(url))
    assert (type(endpoint).__name__ == "_WrapperEndpoint") is tls


@pytest.mark.parametrize("url", [b"https://h.example/v1", b"http://h.example/v1"])
def test_a_server_that_is_silent_is_not_connected_to_for_ever(url):
    memory = MemoryReactorClock()
    HostEndpoints(memory).endpointForURI(URI.fromBytes(url)).connect(Factory())
    (connecting,) = memory.tcpClients
    timeout = connecting[3]
    assert timeout == 5.0


@pytest_twisted.ensureDeferred
async def test_nothing_is_logged_of_a_request(server):
    logged = []
    server.script(Text("x"), Stay())
    globalLogPublisher.addObserver(logged.append)
    try:
        drop(await post(server))
        await server.requests[0].gone
    finally:
        globalLogPublisher.removeObserver(logged.append)
    assert [formatEvent(event) for event in logged] == []
