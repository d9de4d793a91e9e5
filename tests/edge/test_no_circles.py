"""Whoever leaves is forgotten at once: no circle of objects waits for the collector, nor what it holds."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.application import Application


@pytest.fixture
def application() -> Iterator[Application]:
    application = Application()
    yield application
    application.close()


@contextmanager
def garbage() -> Iterator[list[object]]:
    """What only the collector finds of all that has come since."""
    gc.collect()
    gc.disable()
    found: list[object] = []
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def visit(application: Application, protocol: str) -> None:
    transport, chunks = application.visitor(protocol)
    for chunk in chunks:
        transport.receive(chunk)
    application.clock.advance(0)
    assert transport.lost
    # As Twisted's do, once they are lost.
    transport.protocol = None


@pytest.mark.parametrize("protocol", ["native", "socketio"])
def test_nothing_of_a_visit_waits_for_the_collector(application: Application, protocol: str) -> None:
    visit(application, protocol)
    with garbage() as found:
        for _ in range(3):
            visit(application, protocol)
    assert found == []
