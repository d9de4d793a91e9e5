"""What a connection's transport is asked, whatever it is; ours in fewer steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yekta.tcp import Connection


def sender(transport: Any) -> Callable[[bytes], None]:
    """How to send over ``transport`` the soonest."""
    send: Callable[[bytes], None] = getattr(transport, "write_now", transport.write)
    return send


def host_of(transport: Any) -> str:
    """The address of whoever is at the other end of a connection; empty where there is none."""
    # As its `getPeer` says, which makes an object to say it.
    if isinstance(transport, Connection):
        return transport.host
    return getattr(transport.getPeer(), "host", "")
