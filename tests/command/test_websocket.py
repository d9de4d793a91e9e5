"""A WebSocket against servers that are no good ones."""

from __future__ import annotations

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from tests.command.test_network import network
from tests.support.patience import soon
from tests.support.wrong_servers import reactor, upgraded, wrong
from yekta.command.failure import CommandError
from yekta.command.websocket import Closed, WebSocket, connect


def refusal(kind: str, body: bytes, length: int | None = None) -> bytes:
    length = len(body) if length is None else length
    return f"HTTP/1.1 401 No\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n".encode() + body


CLOSE_FRAME = b"\x88\x06" + (4401).to_bytes(2, "big") + b"away"


@pytest.mark.parametrize(
    ("answer", "closes", "sentence"),
    [
        (b"", False, "{url} does not answer: It took too long."),
        (b"HTTP/1.1 101 S\r\nUpgr", False, "{url} does not answer: It took too long."),
        (b"", True, "{url} does not answer: Connection was closed cleanly."),
        (b"HTTP/1.1 200 \xff\r\n\r\n", True, "{url} does not answer: What it says is not HTTP."),
        (b"SSH-2.0\r\n\r\n", True, "The WebSocket was refused: no HTTP answer."),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", False, "The WebSocket was refused: 404 Not Found."),
        (refusal("text/plain; charset=utf-8", b"Not you.\n"), False, "The WebSocket was refused: 401 No: Not you."),
        (refusal("text/plain", "نه".encode()), False, "The WebSocket was refused: 401 No: نه."),
        (refusal("text/plain", b"\xff"), False, "The WebSocket was refused: 401 No: \ufffd."),
        (refusal("text/plain", b""), False, "The WebSocket was refused: 401 No."),
        (refusal("text/plain", b"a" * 200), False, f"The WebSocket was refused: 401 No: {'a' * 200}."),
        (refusal("text/plain", b"a" * 201), False, "The WebSocket was refused: 401 No."),
        (refusal("text/plain", b"Not y", 8), False, "The WebSocket was refused: 401 No."),
        (refusal("text/html", b"<p>Not you."), False, "The WebSocket was refused: 401 No."),
    ],
)
@pytest_twisted.ensureDeferred
async def test_an_upgrade_that_is_not_answered_well_is_told_of(answer: bytes, closes: bool, sentence: str) -> None:
    asking = network(timeout=0.3 if "too long" in sentence else 10.0)
    async with wrong(answer, closes) as server:
        with pytest.raises(CommandError) as caught:
            await soon(Deferred.fromCoroutine(connect(asking, f"{server.url}/ws?token=secret")))
        assert str(caught.value) == sentence.format(url=server.url)


async def opened(url: str, timeout: float = 10.0) -> WebSocket:
    return await soon(Deferred.fromCoroutine(connect(network(timeout=timeout), f"{url}/ws")))


@pytest_twisted.ensureDeferred
async def test_a_close_is_the_end_though_the_connection_stays() -> None:
    async with wrong(upgraded(b"\x81\x02hi" + CLOSE_FRAME)) as server:
        websocket = await opened(server.url)
        assert await websocket.receive() == "hi"
        with pytest.raises(Closed, match=r"^The connection was closed \(4401: away\)\.$") as caught:
            await soon(Deferred.fromCoroutine(websocket.receive()))
        assert caught.value.code == 4401
        websocket.abort()


@pytest_twisted.ensureDeferred
async def test_who_sends_more_than_anybody_receives_is_left() -> None:
    async with wrong(upgraded(b"\x81\x01a" * 10_001)) as server:
        websocket = await opened(server.url)
        await soon(server.ended)
        for _ in range(10_001):
            assert await websocket.receive() == "a"
        with pytest.raises(Closed, match=r"^The connection was closed \(1006\)\.$"):
            await soon(Deferred.fromCoroutine(websocket.receive()))


@pytest_twisted.ensureDeferred
async def test_whoever_does_not_answer_a_ping_is_gone() -> None:
    async with wrong(upgraded()) as server:
        websocket = await opened(server.url, timeout=0.3)
        with pytest.raises(Closed, match=r"^The connection was closed \(1006\)\.$"):
            await soon(Deferred.fromCoroutine(websocket.receive()))


@pytest_twisted.ensureDeferred
async def test_no_timer_is_left_of_a_connection_that_ends_while_it_is_closed() -> None:
    before = {id(call) for call in reactor.getDelayedCalls()}
    async with wrong(upgraded()) as server:
        websocket = await opened(server.url)
        websocket.close()
        websocket.abort()
    assert [call for call in reactor.getDelayedCalls() if id(call) not in before] == []


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest_twisted.ensureDeferred
async def test_an_address_is_named_as_in_a_url(address: str) -> None:
    async with wrong(upgraded(), interface=address) as server:
        websocket = await opened(server.url)
        assert f"\r\nHost: {server.url.removeprefix('http://')}\r\n".encode() in server.asked
        websocket.abort()
