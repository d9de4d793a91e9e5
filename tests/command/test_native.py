"""What must come first through the native door, and what is an event."""

from __future__ import annotations

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from tests.command.test_network import network
from tests.support.patience import soon
from tests.support.wrong_servers import upgraded, wrong
from yekta.command.failure import CommandError
from yekta.command.native import NO_EVENT, enter


def frame(text: bytes, opcode: int = 1) -> bytes:
    return bytes([0x80 | opcode, len(text)]) + text


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b"", "{url} does not answer: It took too long."),
        (frame(b"", 9), "{url} does not answer: It took too long."),
        (frame(b'{"event": "news"}'), "The first event is not the welcome."),
        (frame(b"hello"), NO_EVENT),
        (frame(b"[1]"), NO_EVENT),
        (frame(b"{}"), NO_EVENT),
        (frame(b'{"event": 5}'), NO_EVENT),
        (frame(b"\xff\x00", 2), NO_EVENT),
        (frame(b"\xff\xff"), "The connection was closed (1006)."),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_no_welcome_is_told_of(said: bytes, sentence: str) -> None:
    asking = network(timeout=0.3 if "too long" in sentence else 10.0)
    async with wrong(upgraded(said)) as server:
        with pytest.raises(CommandError) as caught:
            await soon(Deferred.fromCoroutine(enter(asking, server.url, "token")))
        assert str(caught.value) == sentence.format(url=server.url)


@pytest.mark.parametrize("token", ["a\r\nX: y", "توکن", "\x7f"])
@pytest_twisted.ensureDeferred
async def test_a_token_that_no_header_can_have_is_not_sent(token: str) -> None:
    async with wrong(b"") as server:
        with pytest.raises(CommandError, match=r"^The token is not one: no header can have its letters\.$"):
            await enter(network(), server.url, token)
        assert server.connections == 0
