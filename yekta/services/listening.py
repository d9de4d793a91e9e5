"""Ports by endpoint strings; where one cannot be opened, start-up ends with one sentence."""

from __future__ import annotations

import socket
from typing import Any, cast

from twisted.application import strports
from twisted.application.internet import StreamServerEndpointService
from twisted.internet.endpoints import quoteStringArgument
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory

from yekta.ports import Listening
from yekta.services.refusal import refuse
from yekta.services.way import Way, reason_of


def listen(
    name: str, endpoint: str, factory: IProtocolFactory, reactor: Any, way: str = ""
) -> StreamServerEndpointService | Way:
    """A service that listens already. Raises SystemExit, in the name of the service ``name``, where it cannot.

    ``way``: the setting that it is by, where it is an operator's way in, and may come later.
    """
    port: StreamServerEndpointService | Way
    try:
        port = strports.service(endpoint, factory, reactor=cast(Any, Listening(reactor)))
    except Exception as error:
        # What else than ValueError a parser raises depends on the kind of endpoint: TypeError, IndexError, OSError…
        refuse(name, f"{endpoint!r} is not an endpoint: {error}.")
    if way:
        port = Way(port, f"{way} ({endpoint})", reactor)
    try:
        port.privilegedStartService()
    except (CannotListenError, OSError) as error:
        refuse(name, f"Cannot listen on {endpoint}: {reason_of(error)}.")
    return port


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
