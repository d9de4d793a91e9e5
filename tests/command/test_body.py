"""What an answer may be made of."""

from __future__ import annotations

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from tests.command.test_network import network
from tests.support.patience import soon
from tests.support.wrong_servers import wrong
from yekta.command.body import LIMIT
from yekta.command.failure import CommandError


def answer(body: bytes, length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (answer(bytes(LIMIT + 1), 10 * LIMIT), "The server says too much."),
        (answer(b"\xff", 1), "What the server says is no text."),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_endless_or_no_text_is_not_read(said: bytes, sentence: str) -> None:
    asking = network()
    async with wrong(said) as server:
        with pytest.raises(CommandError) as caught:
            await soon(Deferred.fromCoroutine(asking.request("GET", server.url)))
        assert str(caught.value) == sentence
        await asking.close()


@pytest_twisted.ensureDeferred
async def test_a_body_may_be_as_long_as_the_limit() -> None:
    asking = network()
    async with wrong(answer(b"x" * LIMIT, LIMIT)) as server:
        assert len((await asking.request("GET", server.url)).text) == LIMIT
        await asking.close()


@pytest_twisted.ensureDeferred
async def test_a_body_may_end_with_its_connection() -> None:
    asking = network()
    async with wrong(b"HTTP/1.1 200 OK\r\n\r\nall", closes=True) as server:
        assert (await asking.request("GET", server.url)).text == "all"
    await asking.close()


@pytest_twisted.ensureDeferred
async def test_a_body_that_was_cut_is_no_answer() -> None:
    asking = network()
    async with wrong(answer(b"not all", 100), closes=True) as server:
        with pytest.raises(CommandError, match=f"^{server.url} does not answer: "):
            await soon(Deferred.fromCoroutine(asking.request("GET", server.url)))
    await asking.close()
