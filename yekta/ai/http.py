"""The HTTP client agent that the way to a model needs.

It differs from Twisted's in two points. It asks for ``identity`` and refuses any other content coding, since
a limit on received bytes means nothing once they can inflate. And it closes connections at once: a TLS
connection that is closed politely waits for a peer who may go on computing, and charging, for minutes.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.client import URI, Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from yekta.ai.provider import Kind, ProviderError


def make_agent(reactor: Any, pool: HTTPConnectionPool, endpoints: IAgentEndpointFactory) -> IAgent:
    """An agent over ``pool`` that connects by ``endpoints``."""
    abrupt = _AbruptEndpoints(endpoints)
    return _IdentityAgent(Agent.usingEndpointFactory(reactor, abrupt, pool))


def make_pool(reactor: Any, *, idle: int = 60, connections: int = 8) -> HTTPConnectionPool:
    """Keep up to ``connections`` unused connections per host, each for ``idle`` seconds.

    Sixty seconds are less than the 75 of nginx, so that a request seldom meets a connection that is just
    being closed.
    """
    pool = HTTPConnectionPool(reactor)
    pool.cachedConnectionTimeout = idle
    pool.maxPersistentPerHost = connections
    return pool


@implementer(IAgentEndpointFactory)
@attrs.frozen
class HostEndpoints:
    """Connects to the host a URL names, over TLS for ``https``, within ``connect_timeout`` seconds."""

    _reactor: Any
    _connect_timeout: float = 5.0

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        endpoint = HostnameEndpoint(self._reactor, uri.host, uri.port, timeout=self._connect_timeout)
        if uri.scheme != b"https":
            return endpoint
        policy = BrowserLikePolicyForHTTPS()
        return wrapClientTLS(policy.creatorForNetloc(uri.host, uri.port), endpoint)


class _AbruptProtocol(ProtocolWrapper):
    transport: Any

    def loseConnection(self) -> None:
        self.transport.abortConnection()


class _AbruptFactory(WrappingFactory):
    protocol = _AbruptProtocol
    noisy = False


@implementer(IStreamClientEndpoint)
@attrs.frozen
class _AbruptEndpoint:
    _endpoint: IStreamClientEndpoint

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        factory = _AbruptFactory(protocolFactory)
        return self._endpoint.connect(factory).addCallback(_unwrap)


def _unwrap(protocol: Any) -> IProtocol:
    wrapped: IProtocol = protocol.wrappedProtocol
    return wrapped


@implementer(IAgentEndpointFactory)
@attrs.frozen
class _AbruptEndpoints:
    _endpoints: IAgentEndpointFactory

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        endpoint: IStreamClientEndpoint = self._endpoints.endpointForURI(uri)
        return _AbruptEndpoint(endpoint)


@implementer(IAgent)
@attrs.frozen
class _IdentityAgent:
    _agent: IAgent

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        headers = Headers() if headers is None else headers.copy()
        headers.setRawHeaders(b"Accept-Encoding", [b"identity"])
        return self._agent.request(method, uri, headers, bodyProducer).addCallback(_only_identity)


def _only_identity(response: IResponse) -> IResponse:
    codings = response.headers.getRawHeaders(b"Content-Encoding", [])
    if any(coding.strip().lower() not in (b"", b"identity") for coding in codings):
        drop(response)
        raise ProviderError(Kind.PROTOCOL)
    return response


def drop(response: IResponse) -> None:
    """Close the connection of a response whose body nobody will read."""
    response.deliverBody(_Dropped())


class _Dropped(Protocol):
    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.loseConnection()
