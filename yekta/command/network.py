"""Connections for the command: where to, whom to trust, how long to wait. HTTP is treq's."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, HTTPConnectionPool, ResponseFailed, ResponseNeverReceived
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from yekta import jsontext
from yekta.command.failure import CommandError

# How an attempt ends that took too long: before there is a connection, Twisted has an error of its own for it.
_LATE = (CancelledError, ConnectingCancelledError)

# How it ends where there is no connection.
UNREACHABLE = (*_LATE, ConnectError, DNSLookupError)

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
        self._http = HTTPClient(Agent.usingEndpointFactory(reactor, self, self._pool))

    async def close(self) -> None:
        """Close what is kept open."""
        await self._pool.closeCachedConnections()

    async def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Answer:
        """One request. Raises :class:`CommandError` where there is no answer."""
        data = None if body is None else body.encode()
        try:
            asking: Deferred[Any] = self._http.request(
                method, url, headers=dict(headers or {}), data=data, allow_redirects=False, timeout=self.timeout
            )
            response = await asking
            text: str = await response.text("utf-8")
        except (*UNREACHABLE, ResponseFailed, ResponseNeverReceived) as error:
            raise unreachable(url, error) from None
        return Answer(response.code, text)

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Where to connect to for a URL; called by Agent, too."""
        host = uri.host.decode()
        address, port = self._connect or (host, uri.port)
        endpoint: IStreamClientEndpoint = HostnameEndpoint(self.reactor, address, port)
        if uri.scheme in (b"https", b"wss"):
            return wrapClientTLS(optionsForClientTLS(host, trustRoot=self._trust), endpoint)
        return endpoint


def unreachable(url: str, error: BaseException) -> CommandError:
    """What to say where a server does not answer."""
    reasons = getattr(error, "reasons", None)
    if reasons and isinstance(reasons[0], Failure) and reasons[0].value is not None:
        error = reasons[0].value
    said = "It took too long" if isinstance(error, _LATE) else str(error) or type(error).__name__
    return CommandError(f"{origin(url)} does not answer: {said.rstrip('.')}.")


def origin(url: str) -> str:
    """The part of a URL that holds no secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def base(url: str) -> str:
    """A URL as the others are appended to it. Raises :class:`CommandError`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise CommandError("The URL must be one such as http://localhost:3000.")
    return url.rstrip("/")


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
