"""A connection goes on with another protocol, whatever wraps its transport (TLS, ``haproxy:``)."""

from __future__ import annotations

from typing import Any

from twisted.protocols.policies import ProtocolWrapper


def switch(transport: Any, protocol: Any) -> None:
    """Let ``protocol`` have the connection of ``transport`` from here on, whatever wraps it."""
    if isinstance(transport, ProtocolWrapper):
        transport.wrappedProtocol = protocol
    elif isinstance(transport.protocol, ProtocolWrapper):
        transport.protocol.wrappedProtocol = protocol
    else:
        transport.protocol = protocol
    protocol.makeConnection(transport)
