"""What an idle connection keeps of our memory, in bytes, with a session of its own. The bounds may only be lowered."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

import yekta
from tests.support.application import Application

# Without what is Twisted's and the socket's, which these connections do not have.
NATIVE, SOCKETIO, PROXIED = 1_410, 2_245, 2_365

CONNECTIONS = 1_000

OURS = tracemalloc.Filter(True, f"{Path(yekta.__file__).parent}/*")


def come(application: Application, protocol: str, addresses: Iterator[str] | None) -> Any:
    """One client more, who stays; a proxy says that it is at the next of ``addresses``."""
    fields = {} if addresses is None else {"X-Forwarded-For": next(addresses)}
    transport, chunks = application.visitor(protocol, **fields)
    for chunk in chunks[:-1]:
        transport.receive(chunk)
    transport.writes.clear()
    return transport


def kept() -> int:
    gc.collect()
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([OURS]).traces)


@pytest.mark.parametrize(
    ("protocol", "proxied", "most"),
    [("native", False, NATIVE), ("socketio", False, SOCKETIO), ("socketio", True, PROXIED)],
)
def test_an_idle_connection(application: Application, protocol: str, proxied: bool, most: int) -> None:
    addresses = map(str, ip_network("10.0.0.0/8"))
    clients = [come(application, protocol, addresses if proxied else None) for _ in range(CONNECTIONS)]
    tracemalloc.start()
    try:
        before = kept()
        clients += [come(application, protocol, addresses if proxied else None) for _ in range(CONNECTIONS)]
        each = (kept() - before) / CONNECTIONS
    finally:
        tracemalloc.stop()
    assert all(client.lost is None for client in clients)
    assert each <= most, each
