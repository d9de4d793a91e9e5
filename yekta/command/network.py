"""Connections for the command: where to, whom to trust, how long to wait. HTTP is Twisted's Agent."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import attrs
from twisted.internet.defer import Deferred, TimeoutError, ensureDeferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import (
    URI,
    Agent,
    FileBodyProducer,
    HTTPConnectionPool,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from yekta import jsontext
from yekta.command.body import read
from yekta.command.failure import CommandError
from yekta.command.why import LATE, why

# How it ends where there is no connection; ValueError: the host's name cannot be one.
UNREACHABLE = (*LATE, ConnectError, DNSLookupError, ValueError)

# How it ends where there is one, and no whole answer: ``reasons`` tells why.
_UNANSWERED = (RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived)

# Seconds for the other side to let go of connections that are kept.
_GOODBYE = 1.0

_Result = TypeVar("_Result")

_NO_URL = "The URL must be one such as http://localhost:3000."

# What RFC 3986, 3.3, lets a path have beside letters and digits, and what is quoted already.
_OF_A_PATH = "/:@!$&'()*+,;=~%"

_PEM = "-----BEGIN CERTIFICATE-----"


@attrs.frozen
class Answer:
    """Of an HTTP request."""

    status: int
    text: str

    @property
    def json(self) -> Any:
        """Its body, ``None`` where that is no JSON."""
        try:
            return jsontext.decode(self.text)
        except jsontext.NotJson:
            return None


@implementer(IAgentEndpointFactory)
class Network:
    """``options`` has ``cafile``, ``connect`` and ``timeout``. Raises :class:`CommandError` for bad ones."""

    def __init__(self, reactor: Any, options: argparse.Namespace) -> None:
        self.reactor = reactor
        self.timeout: float = options.timeout
        self._trust = _trust(options.cafile) if options.cafile else None
        self._connect = _address(options.connect) if options.connect else None
        self._pool = HTTPConnectionPool(reactor)
        self._agent = Agent.usingEndpointFactory(reactor, self, self._pool)

    async def close(self) -> None:
        """Close what is kept open."""
        closing: Deferred[None] = self._pool.closeCachedConnections()
        # Over TLS it waits for what the other side may never say.
        with suppress(TimeoutError):
            await within(_GOODBYE, closing, self.reactor)

    async def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Answer:
        """One request and its whole answer. Raises :class:`CommandError` where there is none in time."""
        asking = ensureDeferred(self._ask(method, url, headers or {}, body))
        try:
            return await within(self.timeout, asking, self.reactor)
        except (*UNREACHABLE, *_UNANSWERED) as error:
            raise unreachable(url, error) from None

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> Answer:
        response = await self._agent.request(
            method.encode(),
            url.encode(),
            Headers({name: [value] for name, value in headers.items()}),
            None if body is None else FileBodyProducer(BytesIO(body.encode())),
        )
        return Answer(response.code, await read(response))

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Where to connect to for a URL; called by Agent, too."""
        host = uri.host.decode()
        address, port = self._connect or (host, uri.port)
        endpoint: IStreamClientEndpoint = HostnameEndpoint(self.reactor, address, port)
        if uri.scheme == b"https":
            return wrapClientTLS(optionsForClientTLS(host, trustRoot=self._trust), endpoint)
        return endpoint


def within(seconds: float, waiting: Deferred[_Result], clock: Any) -> Deferred[_Result]:
    """``waiting``, which fails with `TimeoutError` where it takes longer, whatever its end by being cancelled is."""

    def late(result: _Result | Failure, seconds: float) -> _Result:
        raise TimeoutError

    return waiting.addTimeout(seconds, clock, late)


def unreachable(url: str, error: BaseException) -> CommandError:
    """What to say where a server does not answer."""
    return CommandError(f"{origin(url)} does not answer: {why(error).rstrip('.')}.")


def origin(url: str) -> str:
    """The part of a URL that holds no secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def base(url: str) -> str:
    """A URL as the others are appended to it, in ASCII. Raises :class:`CommandError`."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        raise CommandError(_NO_URL) from None
    if (
        parts.scheme not in ("http", "https")
        or not host
        or port == ":0"
        or parts.username is not None
        or parts.query
        or parts.fragment
        or any(letter <= " " for letter in url)
    ):
        raise CommandError(_NO_URL)
    authority = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{authority}{port}{quote(parts.path, safe=_OF_A_PATH)}".rstrip("/")


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if host and port.isascii() and port.isdigit() and int(port) < 65536:
        return host.strip("[]"), int(port)
    raise CommandError("--connect must be ADDRESS:PORT.")


def _trust(path: str) -> Any:
    try:
        text = Path(path).read_text()
        certificates = [Certificate.loadPEM((_PEM + part).encode()) for part in text.split(_PEM)[1:]]
    except Exception:
        # What else than OSError is raised depends on the certificate library.
        certificates = []
    if not certificates:
        raise CommandError("--cafile must be a PEM file with certificates.")
    return trustRootFromCertificates(certificates)
