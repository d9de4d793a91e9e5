"""Clients that close their half of a connection with their last request, over real sockets: ``printf … | nc -N``."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from tests.support.memory import compose
from tests.support.patience import reactor, soon
from tests.support.turns import Turns
from tests.web.conftest import BothWays
from yekta.ports import Listening
from yekta.web.site import Limits, Site

# More than the buffers of both sockets hold together.
MUCH = 16 << 20

REACTORS = {"Twisted's TCP": lambda: reactor, "ours": lambda: Listening(reactor), "turns": lambda: Listening(Turns())}

Connect = Callable[[], socket.socket]


@pytest_twisted.async_yield_fixture(params=REACTORS.values(), ids=REACTORS)
async def listening(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """A reactor to listen with."""
    yield request.param()


@pytest_twisted.async_yield_fixture(params=[True, False], ids=["the short path", "twisted.web"])
async def connect(request: pytest.FixtureRequest, listening: Any, both: BothWays) -> AsyncIterator[Connect]:
    site = Site(reactor, both, Limits(max_body=MUCH), doors=both if request.param else None)
    port = listening.listenTCP(0, site, interface="127.0.0.1")
    yield lambda: socket.create_connection(("127.0.0.1", port.getHost().port), timeout=20)
    await port.stopListening()
    assert site.census.all == 0


async def read_all(client: socket.socket) -> bytes:
    return await soon(deferToThread(lambda: b"".join(iter(lambda: client.recv(1 << 16), b""))))


@pytest.mark.parametrize("count", [1, 3])
@pytest_twisted.ensureDeferred
async def test_what_was_asked_is_answered(connect: Connect, count: int) -> None:
    with closing(connect()) as client:
        client.sendall(compose("POST", "/", {}, b"hello") * count)
        client.shutdown(socket.SHUT_WR)
        assert (await read_all(client)).count(b"\r\n\r\nhello") == count


@pytest_twisted.ensureDeferred
async def test_a_long_answer_is_sent_whole(connect: Connect) -> None:
    with closing(connect()) as client:
        await deferToThread(client.sendall, compose("POST", "/", {}, b"x" * (MUCH - 1)))
        client.shutdown(socket.SHUT_WR)
        assert (await read_all(client)).endswith(b"\r\n\r\n" + b"x" * (MUCH - 1))


@pytest_twisted.ensureDeferred
async def test_what_is_not_answered_yet_never_is(connect: Connect, both: BothWays) -> None:
    with closing(connect()) as client:
        client.sendall(compose("GET", "/later"))
        client.shutdown(socket.SHUT_WR)
        assert await read_all(client) == b""
    both.later[0].respond(200, {}, b"nobody waits")
