"""Ports by endpoint strings; where one cannot be opened, start-up ends with one sentence."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, cast

from twisted.application import strports
from twisted.application.internet import StreamServerEndpointService
from twisted.internet.endpoints import SSL4ServerEndpoint, UNIXServerEndpoint, quoteStringArgument
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory

from yekta import stale_sockets
from yekta.ports import Listening, reason_of
from yekta.services.certificates import Certificate, is_tls
from yekta.services.config import ConfigError
from yekta.services.kinds import LAST_PORT
from yekta.services.late import Late
from yekta.services.proxied import read_well
from yekta.services.refusal import refuse


def listen(
    name: str,
    setting: str,
    endpoint: str,
    factory: IProtocolFactory,
    reactor: Any,
    *,
    late: bool = False,
    held: Iterable[Any] = (),
    keep: Callable[[Certificate], object] = id,
) -> StreamServerEndpointService | Late:
    """A service that listens already. Raises SystemExit, in the name of the service ``name``, where it cannot.

    ``setting`` is what the endpoint comes from. ``late``: it may come later, where another process has it.
    ``held``: our ports beside those that the reactor reads. ``keep`` is called with its certificate, if it has one.
    """
    port: StreamServerEndpointService | Late
    try:
        port = service(setting, endpoint, factory, reactor, keep)
    except ConfigError as error:
        refuse(name, str(error))
    path = _path_of(port)
    if path is not None:
        stale_sockets.release(Path(os.fsdecode(path)), time.time(), os.getpid())
    if late:
        port = Late(port, f"{setting} ({endpoint})", reactor, is_ours=partial(_listens, reactor, held))
    try:
        port.privilegedStartService()
    except (CannotListenError, OSError) as error:
        refuse(name, f"Cannot listen on {endpoint} ({setting}): {reason_of(error)}.")
    return port


def service(
    setting: str,
    endpoint: str,
    factory: IProtocolFactory,
    reactor: Any,
    keep: Callable[[Certificate], object] = id,
) -> StreamServerEndpointService:
    """A service that is to listen. Raises `ConfigError`."""
    # Before Twisted's parser, which has no sentence for what is wrong with one.
    certificate = Certificate(setting, endpoint) if is_tls(endpoint) else None
    try:
        port = strports.service(endpoint, factory, reactor=cast(Any, Listening(reactor)))
    except Exception as error:
        # What else than ValueError a parser raises depends on the kind of endpoint: TypeError, IndexError, OSError…
        raise ConfigError(f"{setting} must be an endpoint, not {endpoint!r}: {_why(error)}.") from None
    if certificate is not None:
        cast(SSL4ServerEndpoint, _inner(port))._sslContextFactory = certificate
        keep(certificate)
    read_well(port)
    # Neither the parser nor the one that listens finds a sentence for it.
    if not 0 <= getattr(_inner(port), "_port", 0) <= LAST_PORT:
        raise ConfigError(f"{setting} must have a port from 0 to {LAST_PORT}, not {endpoint!r}.")
    return port


def _why(error: Exception) -> str:
    # Twisted only looks up what of systemd's is asked for.
    return "systemd has given no such socket" if isinstance(error, LookupError) else str(error)


def _inner(port: StreamServerEndpointService) -> Any:
    """Its endpoint; behind ``haproxy:`` there is another."""
    return getattr(port.endpoint, "_wrappedEndpoint", port.endpoint)


def _path_of(port: StreamServerEndpointService) -> bytes | None:
    """Where the socket of an endpoint of ``unix:`` is."""
    inner = _inner(port)
    return os.fsencode(inner._address) if isinstance(inner, UNIXServerEndpoint) else None


def _listens(reactor: Any, held: Iterable[Any], port: int | bytes) -> bool:
    """Whether we listen on that port, or at that path, ourselves."""
    ports = [*held, *filter(IListeningPort.providedBy, reactor.getReaders())]
    hosts = [each.getHost() for each in ports]
    return any(port in (getattr(host, "port", None), getattr(host, "name", None)) for host in hosts)


def endpoints(host: str, port: int) -> tuple[str, ...]:
    """Endpoint strings for HOST; ``localhost`` is both of its addresses, where the machine has them."""
    hosts = ("127.0.0.1", "::1") if host == "localhost" else (host,)
    return tuple(
        f"tcp:{port}:interface={quoteStringArgument(each)}" for each in hosts if len(hosts) == 1 or _is_ours(each)
    )


def _is_ours(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
