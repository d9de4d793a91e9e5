"""One client's events where something fails in a way that nobody expects; and what is at work when the client goes."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tests.socketio.slow import Slow
from tests.support.socketio import House, MakeHouse
from yekta.socketio.errors import ProtocolError
from yekta.socketio.packet import Packet
from yekta.socketio.parser import TEXT, Decoder, TextParser
from yekta.socketio.socket import Socket


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


# -- who has gone --------------------------------------------------------------------------------------------------


class Careful:
    """Works until it is cancelled, and then cleans up, which takes its time as well."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.cleaning: Deferred[None] = Deferred()

    async def __call__(self, *args: Any) -> None:
        try:
            await Deferred()
        finally:
            self.calls.append("cleaning")
            await self.cleaning
            self.calls.append("cleaned")


@pytest.mark.parametrize("where", ["listener", "connection listener", "middleware", "predicate"])
@pytest.mark.parametrize("end", ["broken", "left", "cut"])
def test_what_cleans_up_after_a_client_is_not_cancelled_again(house: House, where: str, end: str) -> None:
    careful, room = Careful(), house.of("/a")
    browser = house.browser()
    socket = browser.connect()
    if where == "listener":
        socket.on("e")(careful)
        browser.say('2["e"]')
    elif where == "predicate":
        house.server.of(careful)
        browser.say("0/b,")
    else:
        (room.use if where == "middleware" else room.on_connection)(careful)
        browser.say("0/a,")
    assert careful.calls == []
    if end == "broken":
        browser.say("2[")
    elif end == "left" and where == "connection listener":
        browser.say("1/a,")
    browser.cut()
    assert careful.calls == ["cleaning"]
    careful.cleaning.callback(None)
    assert careful.calls == ["cleaning", "cleaned"]


@pytest.mark.parametrize("where", ["listener", "connection listener"])
def test_a_canceller_that_fails_keeps_nobody_in_a_namespace(
    house: House, logged: list[Failure], where: str
) -> None:
    def fail(deferred: Deferred[None]) -> None:
        raise RuntimeError

    def listen(*args: Any) -> Deferred[None]:
        return Deferred(fail)

    if where == "connection listener":
        house.server.on_connection(listen)
    browser = house.browser()
    socket = browser.connect()
    slow = Slow(socket)
    socket.on("e")(listen)
    browser.say('2["e"]' if where == "listener" else '2["slow","a"]')
    browser.cut()
    assert not socket.connected
    assert slow.calls == ([] if where == "listener" else ["a", "a cancelled"])
    assert [failure.type for failure in logged] == [RuntimeError]
    logged.clear()


def test_so_many_connection_listeners_are_at_work_for_a_client_and_no_more(make_house: MakeHouse) -> None:
    house, ended = make_house(max_backlog=3), []
    cleaned: Deferred[None] = Deferred()

    async def stay(socket: Socket) -> None:
        try:
            await Deferred()
        finally:
            ended.append(socket)
            # Whoever was told that it is over, and cleans up, is at work until that is done.
            await cleaned

    house.server.on_connection(stay)
    browser = house.browser()
    browser.say(*["0", "1"] * 3)
    assert browser.open
    browser.say("0")
    assert not browser.open
    assert len(ended) == 4
    cleaned.callback(None)
    house.assert_empty()


@pytest.mark.parametrize("polls", [False, True])
def test_a_connection_listener_does_not_stay_for_who_was_gone_when_it_was_told(house: House, polls: bool) -> None:
    careful = Careful()
    house.server.on_connection(lambda socket: socket.disconnect(close=True))
    house.server.on_connection(careful)
    (house.poller() if polls else house.browser()).say("0")
    assert careful.calls == ["cleaning"]
    careful.cleaning.callback(None)
    assert careful.calls == ["cleaning", "cleaned"]


@pytest.mark.parametrize("ordered", [True, False])
def test_a_listener_does_not_stay_for_whom_the_one_before_has_cut_off(make_house: MakeHouse, ordered: bool) -> None:
    house, careful, seen = make_house(ordered=ordered), Careful(), list[str]()
    browser = house.browser()
    socket = browser.connect()
    saved: Deferred[None] = Deferred()

    @socket.on("e")
    async def cut_off() -> None:
        socket.disconnect(close=True)
        await saved
        seen.append("saved")

    socket.on("e")(careful)
    browser.say('2["e"]')
    assert not browser.open
    assert careful.calls == ["cleaning"]
    careful.cleaning.callback(None)
    assert careful.calls == ["cleaning", "cleaned"]
    # Whoever has sent the client off itself goes on.
    saved.callback(None)
    assert seen == ["saved"]


def test_a_middleware_is_not_asked_about_whom_the_one_before_has_cut_off(house: House) -> None:
    browser = house.browser()
    socket = browser.connect()
    asked: list[str] = []
    socket.use(lambda event, args: socket.disconnect(close=True))
    socket.use(lambda event, args: asked.append(event))
    browser.say('2["e"]')
    assert (browser.open, asked) == (False, [])
    house.assert_empty()


def test_who_sends_a_client_off_may_go_on_itself(house: House) -> None:
    done, saved = [], Deferred[None]()

    @house.server.on_connection
    async def send_off(socket: Socket) -> None:
        socket.disconnect(close=True)
        await saved
        done.append(socket)

    house.browser().say("0")
    saved.callback(None)
    assert len(done) == 1


def test_events_may_wait_for_the_same(make_house: MakeHouse, logged: list[Failure]) -> None:
    browser = make_house(ordered=False, max_backlog=2).browser()
    socket = browser.connect()
    loading: list[Deferred[None]] = []
    socket.on("e")(lambda: loading[-1])
    for _ in range(3):
        loading.append(Deferred())
        browser.say('2["e"]', '2["e"]', '2["e"]')
        loading[-1].callback(None)
    loading.clear()
    assert browser.open
