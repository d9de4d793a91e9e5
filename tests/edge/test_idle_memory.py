"""What an idle connection keeps of our memory, in bytes, with a session of its own. The bounds may only be lowered."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import yekta
from tests.support.application import Application

# Without what is Twisted's and the socket's, which these connections do not have.
NATIVE, SOCKETIO = 1_595, 2_630

CONNECTIONS = 1_000

OURS = tracemalloc.Filter(True, f"{Path(yekta.__file__).parent}/*")


@pytest.fixture
def application() -> Iterator[Application]:
    application = Application()
    yield application
    application.close()


def come(application: Application, protocol: str) -> Any:
    """One client more, who stays."""
    transport, chunks = application.visitor(protocol)
    for chunk in chunks[:-1]:
        transport.receive(chunk)
    transport.writes.clear()
    return transport


def kept() -> int:
    gc.collect()
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([OURS]).traces)


@pytest.mark.parametrize(("protocol", "most"), [("native", NATIVE), ("socketio", SOCKETIO)])
def test_an_idle_connection(application: Application, protocol: str, most: int) -> None:
    clients = [come(application, protocol) for _ in range(CONNECTIONS)]
    tracemalloc.start()
    try:
        before = kept()
        clients += [come(application, protocol) for _ in range(CONNECTIONS)]
        each = (kept() - before) / CONNECTIONS
    finally:
        tracemalloc.stop()
    assert all(client.lost is None for client in clients)
    assert each <= most, each
