"""What comes before a body is bounded, and what is within the bounds is understood."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher
from twisted.web.client import ResponseFailed

from tests.support.ai_servers import AIServer
from tests.support.attacks import Wire
from yekta.ai.http import HEAD_LIMIT, HostEndpoints, drop, make_agent, make_pool

OK = b"HTTP/1.1 200 OK\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
# As int() reads it, which is how Twisted reads it.
SPELLED_INTERIM = b"HTTP/1.1 0103 Early Hints\r\n\r\n"
FIELD = b"X-Long: " + b"x" * 1000 + b"\r\n"


class Says(AIServer):
    """Says ``parts`` to the first request, as long as it is heard. ``said``: how many bytes that were. ``over``: set
    when the client has gone."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)
        self.said = 0
        self.over = threading.Event()
        super().__init__()

    def serve(self, wire: Wire, connection: socket.socket) -> None:
        wire.incoming()
        connection.settimeout(20)
        with suppress(ConnectionError):
            for part in self._parts:
                connection.sendall(part)
                self.said += len(part)
            wire.rest()
        self.over.set()


def endless(first: bytes, part: bytes) -> Iterator[bytes]:
    """Far more than what waits in sockets."""
    yield first
    for _ in range(2000):
        yield part * (20_000 // len(part))


def one_by_one(text: bytes) -> list[bytes]:
    return [bytes([each]) for each in text]


async def get(server):
    """The status of the answer."""
    pool = make_pool(reactor)
    agent = make_agent(reactor, pool, HostEndpoints(reactor))
    try:
        response = await agent.request(b"GET", f"{server.base_url}/models".encode())
        drop(response)
    finally:
        await pool.closeCachedConnections()
    return response.code


@pytest.mark.parametrize(
    ("first", "part"),
    [
        (OK, FIELD),
        (OK, b"X: y\r\n"),
        (OK + b"X: y", b"\r\n y"),
        (b"", INTERIM),
        (INTERIM + OK, FIELD),
        (SPELLED_INTERIM + OK, FIELD),
        (b"", SPELLED_INTERIM),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_head_without_end_is_not_read_on(first, part):
    with Says(endless(first, part)) as server:
        with pytest.raises(ResponseFailed):
            await get(server)
        assert server.said < 20_000_000


@pytest.mark.parametrize(
    "parts",
    [
        [OK + FIELD * (HEAD_LIMIT // len(FIELD) - 1) + b"Content-Length: 0\r\n\r\n"],
        [INTERIM * 50 + OK + b"Content-Length: 0\r\n\r\n"],
        one_by_one(INTERIM + OK + b"Content-Length: 0\r\n\r\n"),
        [OK + b"Content-Length: 1000000\r\n\r\n", b"x" * 1_000_000],
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_within_the_bounds_is_understood(parts):
    with Says(parts) as server:
        assert await get(server) == 200


@pytest.mark.parametrize("interim", [INTERIM, SPELLED_INTERIM])
@pytest_twisted.ensureDeferred
async def test_what_is_interim_is_not_logged(interim):
    events = []
    globalLogPublisher.addObserver(events.append)
    try:
        with Says([interim * 1000 + OK + b"Content-Length: 0\r\n\r\n"]) as server:
            assert await get(server) == 200
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert [event for event in events if "HTTP" in event.get("log_namespace", "") or "code" in event] == []


@pytest_twisted.ensureDeferred
async def test_what_comes_after_an_answer_that_is_spelled_otherwise_ends_the_connection_quietly():
    answered, events = threading.Event(), []

    def parts():
        yield b"HTTP/1.1 0200 OK\r\nContent-Length: 0\r\n\r\n"
        answered.wait(20)
        yield OK

    pool = make_pool(reactor)
    globalLogPublisher.addObserver(events.append)
    try:
        with Says(parts()) as server:
            response = await make_agent(reactor, pool, HostEndpoints(reactor)).request(b"GET", server.base_url.encode())
            assert response.code == 200
            answered.set()
            await deferToThread(server.over.wait, 20)
    finally:
        globalLogPublisher.removeObserver(events.append)
        await pool.closeCachedConnections()
    assert [event for event in events if event.get("isError")] == []
