"""Whoever leaves is forgotten at once: no circle of objects waits for the collector, nor what it holds."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.application import Application
from tests.support.memory import HttpClient

POLLING = "/socket.io/?EIO=4&transport=polling"


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


def poll(application: Application, end: Callable[[Application, HttpClient, str], None]) -> None:
    """A visit by long polling, until its client's ``end``, which is told its requests' target."""
    client = application.http()
    sid = client.ask("GET", POLLING).body[len('0{"sid":"') :][:20].decode()
    target = f"{POLLING}&sid={sid}"
    token, _ = application.acquire()
    client.ask("POST", target, body=b'40{"token":"%s"}\x1e42["echo"]' % token.encode())
    client.ask("GET", target)
    end(application, client, target)
    client.hang_up()
    client.transport.protocol = None
    assert application.server.engine.connections == {}


def says_goodbye(application: Application, client: HttpClient, target: str) -> None:
    client.ask("POST", target, body=b"41\x1e1")


def falls_silent(application: Application, client: HttpClient, target: str) -> None:
    application.clock.advance(25)
    application.clock.advance(20)


def hangs_up(application: Application, client: HttpClient, target: str) -> None:
    client.request("GET", target)
    client.hang_up()


def is_broken(application: Application, client: HttpClient, target: str) -> None:
    client.ask("POST", target, body=b"nonsense")


@pytest.mark.parametrize("end", [says_goodbye, falls_silent, hangs_up, is_broken])
def test_nothing_of_a_polling_visit_waits_for_the_collector(
    application: Application, end: Callable[[Application, HttpClient, str], None]
) -> None:
    poll(application, end)
    with garbage() as found:
        for _ in range(3):
            poll(application, end)
    assert found == []
