"""What waits for its turn, where what comes before it fails in a way that nobody expects."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from twisted.python.failure import Failure

from tests.socketio.slow import Slow
from tests.support.socketio import MakeHouse
from yekta.socketio.errors import ProtocolError
from yekta.socketio.packet import Packet
from yekta.socketio.parser import TEXT, Decoder, TextParser


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_what_would_end_a_program_does_not_end_the_turns(
    make_house: MakeHouse, logged: list[Failure], error: type[BaseException]
) -> None:
    browser = make_house().browser()
    socket = browser.connect()
    slow = Slow(socket)

    @socket.on("end")
    def end() -> None:
        raise error

    browser.say('2["slow","a"]', '2["end"]', '2["fast","b"]', "1")
    slow.go()
    assert slow.calls == ["a", "a done", "b"]
    assert not socket.connected
    assert [failure.type for failure in logged] == [error]
    logged.clear()


@attrs.define
class Once:
    """Reads each message once, and never again: as msgpack that nests deep, which the stack has no room for then."""

    seen: set[str | bytes]
    waiting: bool = False

    def decode(self, message: str | bytes) -> Packet | None:
        if message in self.seen:
            raise ProtocolError("too deep")
        self.seen.add(message)
        return TEXT.decoder(0, 0).decode(message)


class OnceParser(TextParser):
    def __init__(self) -> None:
        self._seen: set[str | bytes] = set()

    def decoder(self, max_attachments: int, max_bytes: int) -> Decoder:
        return Once(self._seen)


def test_what_can_no_longer_be_read_ends_the_connection(make_house: MakeHouse) -> None:
    house = make_house(parser=OnceParser())
    browser = house.browser()
    socket = browser.connect()
    slow, left = Slow(socket), []
    socket.on("disconnect")(lambda *why: left.append(why))
    browser.say('2["slow","a"]', '2["fast","b"]', '2["fast","c"]')
    assert browser.open
    slow.go()
    assert slow.calls == ["a", "a done"]
    assert (browser.open, left) == (False, [("parse error", "too deep")])
    house.assert_empty()
