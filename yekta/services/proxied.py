"""The PROXY protocol as Twisted reads it, but for headers that it takes for an error of its own, or does not know.

Its readers let through what Python raises for a number or an address that is none: a traceback in the log, of whoever
can connect, that quotes what was sent. And ``PROXY UNKNOWN`` without an address is a header, too (PROXY protocol, 2.1).
In front of ``ssl:``, Twisted would look for the header inside TLS, where no proxy writes it: it comes before all else.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.application.internet import StreamServerEndpointService
from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import IAddress
from twisted.protocols.haproxy._exceptions import InvalidProxyHeader
from twisted.protocols.haproxy._info import ProxyInfo
from twisted.protocols.haproxy._v1parser import V1Parser
from twisted.protocols.haproxy._v2parser import V2Parser
from twisted.protocols.haproxy._wrapper import HAProxyProtocolWrapper, HAProxyWrappingFactory

from yekta.tls import wrapped

_UNKNOWN = b"PROXY UNKNOWN\r\n"
# Of a header of the second version, in bytes: what comes before its length, and that.
_FIXED = 16


class Header:
    """What Twisted's two readers do together; a header may come in any pieces."""

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, data: bytes) -> tuple[Any, Any]:
        """What it says and the bytes that follow it, or twice ``None`` while it is not whole. Raises
        `InvalidProxyHeader`."""
        begun = self._begun + data
        try:
            info, rest = _read(begun)
        except (ValueError, LookupError):
            raise InvalidProxyHeader from None
        self._begun = begun if info is None else b""
        return info, rest


def _read(begun: bytes) -> tuple[Any, Any]:
    if begun.startswith(_UNKNOWN):
        return ProxyInfo(_UNKNOWN, None, None), begun[len(_UNKNOWN) :]
    if begun.startswith(V1Parser.PROXYSTR[: len(begun)]):
        return V1Parser().feed(begun)
    if begun.startswith(V2Parser.PREFIX[: len(begun)]):
        return V2Parser().feed(begun) if len(begun) >= _FIXED else (None, None)
    raise InvalidProxyHeader


class _Proxied(HAProxyProtocolWrapper):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._parser: Any = Header()


class _Factory(HAProxyWrappingFactory):
    protocol = _Proxied  # type: ignore[assignment]

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """As Twisted's, which makes a protocol around none where the connection is one too many: it stays for ever."""
        protocol = self.wrappedFactory.buildProtocol(addr)
        return None if protocol is None else self.protocol(self, protocol)


def read_well(port: StreamServerEndpointService) -> None:
    """Have the headers read so, where ``port`` is one of ``haproxy:``."""
    endpoint: Any = port.endpoint
    if getattr(endpoint, "_wrapperFactory", None) is not HAProxyWrappingFactory:
        return
    endpoint._wrapperFactory = _Factory
    inner = endpoint._wrappedEndpoint
    if isinstance(inner, SSL4ServerEndpoint):
        carrying = inner._reactor.carrying()
        endpoint._wrapperFactory = partial(_before_tls, inner._sslContextFactory, carrying)
        endpoint._wrappedEndpoint = TCP4ServerEndpoint(carrying, inner._port, inner._backlog, inner._interface)


def _before_tls(context: Any, clock: Any, factory: Any) -> _Factory:
    return _Factory(wrapped(factory, context, clock))
