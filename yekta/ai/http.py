"""The HTTP client agent that the way to a model needs.

It differs from Twisted's in four points. It asks for ``identity`` and refuses any other content coding, since
a limit on received bytes means nothing once they can inflate. It closes connections at once: a TLS connection
that is closed politely waits for a peer who may go on computing, and charging, for minutes. And it sends a
request once more, of whatever method, where a kept connection turns out to be closed (RFC 9112, section 9.3.1):
a server closes those that rest when it likes, and a question that was asked twice has changed nothing. What comes
before a body is bounded, as Twisted keeps header fields without end, and no interim response is logged: 64 KiB of
them would be thousands of lines.
"""

from __future__ import annotations

import re
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.logger import Logger, LogPublisher
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool, ResponseNeverReceived
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from yekta.ai.provider import Kind, ProviderError

# Bytes that come before a body: far more than anybody's header fields.
HEAD_LIMIT = 65_536

_HEAD_END = re.compile(rb"\r?\n\r?\n")
# After any other, another answer may follow (RFC 9110, 15.2): Twisted takes "0103", too, for an interim one.
_FINAL = re.compile(rb"HTTP/\S+ [2-9]\d\d\b")

# Whose words nobody hears.
_NOBODY = Logger(observer=LogPublisher())


def make_agent(reactor: Any, pool: HTTPConnectionPool, endpoints: IAgentEndpointFactory) -> IAgent:
    """An agent over ``pool`` that connects by ``endpoints``."""
    return _IdentityAgent(_RepeatingAgent(reactor, pool, endpoints))


def make_pool(reactor: Any, *, idle: int = 60, connections: int = 8) -> HTTPConnectionPool:
    """Keep up to ``connections`` unused connections per host, each for ``idle`` seconds.

    Sixty seconds are less than the 75 of nginx, so that a request seldom meets a connection that is just
    being closed.
    """
    pool = HTTPConnectionPool(reactor)
    pool.cachedConnectionTimeout = idle
    pool.maxPersistentPerHost = connections
    # The agent does, and not only for requests without a body.
    pool.retryAutomatically = False
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
    """Over one connection, before what reads HTTP. Requests go by ``writeSequence``, once each."""

    transport: Any
    wrappedProtocol: Any
    # What has come of the answer's head, of its interim ones as well; how long those were.
    _head: bytearray | None = None
    _interim = 0

    def loseConnection(self) -> None:
        self.transport.abortConnection()

    def writeSequence(self, data: Any) -> None:
        self._head, self._interim = bytearray(), 0
        super().writeSequence(data)

    def dataReceived(self, data: bytes) -> None:
        reader = self.wrappedProtocol._parser
        if self._head is not None and reader is not None:
            # It is new with each request, and gone where Twisted takes for the end what we do not.
            reader._log = _NOBODY
        if self._head is None or self._is_bounded(self._head, data):
            super().dataReceived(data)
        else:
            self.transport.abortConnection()

    def _is_bounded(self, head: bytearray, data: bytes) -> bool:
        begin = max(len(head) - 3, 0)
        head += data
        while end := _HEAD_END.search(head, begin):
            if _FINAL.match(head):
                self._head = None
                return self._interim + end.end() <= HEAD_LIMIT
            self._interim += end.end()
            del head[: end.end()]
            begin = 0
        return self._interim + len(head) <= HEAD_LIMIT


class _AbruptFactory(WrappingFactory):
    protocol = _AbruptProtocol
    noisy = False

    def __init__(self, wrapped: Any) -> None:
        super().__init__(wrapped)
        # It is one for each connection, and would log its start and its end.
        wrapped.noisy = False


@implementer(IAgentEndpointFactory, IStreamClientEndpoint)
@attrs.define(eq=False)
class _AbruptEndpoint:
    """For one request. ``has_connected``: it was not sent on a connection that was there already."""

    _endpoints: IAgentEndpointFactory
    _endpoint: Any = None
    has_connected: bool = False

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        self._endpoint = self._endpoints.endpointForURI(uri)
        return self

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        self.has_connected = True
        connecting: Deferred[Any] = self._endpoint.connect(_AbruptFactory(protocolFactory))
        return connecting.addCallback(_unwrap)


def _unwrap(protocol: Any) -> IProtocol:
    wrapped: IProtocol = protocol.wrappedProtocol
    return wrapped


@implementer(IAgent)
@attrs.frozen
class _RepeatingAgent:
    """``bodyProducer`` must be able to begin anew."""

    _reactor: Any
    _pool: HTTPConnectionPool
    _endpoints: IAgentEndpointFactory

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        def send(pool: HTTPConnectionPool) -> Deferred[IResponse]:
            agent = Agent.usingEndpointFactory(self._reactor, endpoint, pool)
            response: Deferred[IResponse] = agent.request(method, uri, headers, bodyProducer)
            return response

        def failed(failure: Failure) -> Deferred[IResponse]:
            if endpoint.has_connected or not _was_closed(failure):
                return fail(failure)
            # The others that are kept may be closed as well: this one is new.
            return send(HTTPConnectionPool(self._reactor, persistent=False))

        endpoint = _AbruptEndpoint(self._endpoints)
        return send(self._pool).addErrback(failed)


def _was_closed(failure: Failure) -> bool:
    """Whether the other side closed the connection before it had answered a single byte."""
    reasons = failure.value.reasons if isinstance(failure.value, ResponseNeverReceived) else []
    return any(reason.check(ConnectionDone, ConnectionLost) for reason in reasons)


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
