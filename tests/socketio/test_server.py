from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.support.socketio import Browser, House, MakeHouse
from yekta.engineio.packet import Packet
from yekta.socketio.errors import AckTimeout, ConnectError, Disconnected
from yekta.socketio.socket import Socket


def test_a_namespace_is_made_once_and_its_name_begins_with_a_slash(house: House) -> None:
    assert house.server.of("admin") is house.server.of("/admin")
    assert house.server.of("admin").name == "/admin"
    assert house.server.of("/") is house.server.sockets


def test_the_server_stands_for_its_main_namespace(house: House) -> None:
    came: list[Socket] = []
    asked: list[Socket] = []
    house.server.on_connection(came.append)
    house.server.use(asked.append)
    socket = house.browser().connect()
    assert came == asked == [socket]
    assert house.server.sockets.sockets == {socket.id: socket}


# -- connect_timeout -----------------------------------------------------------------------------------------------


def test_a_client_without_a_namespace_is_closed_after_a_while(house: House) -> None:
    silent, refused, joined = house.browser(), house.browser(), house.browser()
    refused.say("0/nope,")
    joined.connect()
    for browser in (silent, refused, joined):
        house.clock.advance(0)
        browser.connection.packet_received("3")
    house.clock.advance(25)
    for browser in (silent, refused, joined):
        browser.connection.packet_received("3")
    house.clock.advance(19.9)
    assert (silent.open, refused.open, joined.open) == (True, True, True)
    house.clock.advance(0.2)
    assert (silent.open, refused.open, joined.open) == (False, False, True)


def test_connect_timeout_has_a_setting(make_house: MakeHouse) -> None:
    house = make_house(connect_timeout=3)
    browser = house.browser()
    house.clock.advance(2.9)
    assert browser.open
    house.clock.advance(0.2)
    assert not browser.open


def test_a_middleware_thinks_no_longer_than_connect_timeout(make_house: MakeHouse) -> None:
    house = make_house(connect_timeout=3)
    house.server.use(lambda socket: Deferred())
    browser = house.browser()
    browser.say("0")
    house.clock.advance(3.1)
    assert not browser.open
    house.assert_empty()


# -- the end -------------------------------------------------------------------------------------------------------


def test_closing_the_server_closes_connections_so_that_clients_come_back(house: House) -> None:
    """A client that is sent DISCONNECT stays away for good; one whose connection closes comes back."""
    browser, poller = house.browser(), house.poller()
    browser.connect()
    poller.connect()
    waiting = poller.poll()
    house.server.emit("last words")
    house.server.close()
    house.clock.advance(0)
    assert browser.heard() == ['2["last words"]']
    assert browser.transport.closed
    assert waiting.answer is not None
    assert waiting.answer[1] == '42["last words"]'
    house.assert_empty()


def test_draining_closes_connections_one_by_one_so_that_clients_come_back(house: House) -> None:
    browsers = [house.browser() for _ in range(4)]
    told: list[str] = []
    for browser in browsers:
        browser.connect().on("disconnect")(told.append)
    moments = iter([0.25, 0.5, 0.75, 0.9])
    drained = house.server.drain(8, lambda: next(moments))
    for left in (3, 2, 1):
        house.clock.advance(2)
        assert sum(browser.open for browser in browsers) == left
    late = house.browser()
    assert not drained.called
    house.clock.advance(2)
    assert drained.called
    assert not late.open
    assert told == ["server shutting down"] * 4
    assert [browser.heard() for browser in browsers] == [[]] * 4


@pytest.mark.parametrize("waits", [False, True])
def test_closing_the_server_waits_for_nobody(house: House, waits: bool) -> None:
    poller = house.poller()
    poller.connect()
    if waits:
        poller.poll()
    house.server.close()
    house.clock.advance(0)
    house.assert_empty()


# -- long polling --------------------------------------------------------------------------------------------------


def disconnect_namespace(socket: Socket) -> None:
    socket.disconnect()


def disconnect_client(socket: Socket) -> None:
    socket.disconnect(close=True)


@pytest.mark.parametrize("disconnect", [disconnect_namespace, disconnect_client])
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("more", [[], ['2["more"]'], ["2["], [b"x"]], ids=str)
def test_what_is_emitted_before_a_disconnect_reaches_a_poll(
    house: House, disconnect: Callable[[Socket], None], waits: bool, more: list[Packet]
) -> None:
    poller = house.poller()
    socket = poller.connect()

    @socket.on("bye")
    def bye() -> None:
        socket.emit("a")
        socket.emit("b", b"\1")
        house.server.emit("c")
        disconnect(socket)

    # When the client is sent off, its next event is on its way already, or what is no packet at all.
    waiting = poller.poll() if waits else None
    poller.say('2["bye"]', *more)
    house.clock.advance(0)
    heard = poller.poll() if waiting is None else waiting
    house.clock.advance(0)
    assert heard.answer is not None
    packets = heard.answer[1].split("\x1e")
    placeholder = '{"_placeholder":true,"num":0}'
    assert packets[:5] == ['42["a"]', f'451-["b",{placeholder}]', "bAQ==", '42["c"]', "41"]


def test_who_broke_the_protocol_is_heard_no_more_though_it_may_still_fetch(house: House) -> None:
    poller, told, cancelled = house.poller(), [], []
    socket = poller.connect()
    socket.on("disconnect")(told.append)
    socket.on("wait")(lambda: Deferred(cancelled.append))
    socket.otherwise(lambda event, args, ack: told.append(event))
    poller.say('2["a"]', '2["wait"]', "2[", '2["b"]')
    assert (told, len(cancelled)) == (["a", "parse error"], 1)
    assert not house.server.sockets.sockets
    poller.say('2["c"]', "0")
    assert told == ["a", "parse error"]
    house.clock.advance(house.server.settings.engine.drain_timeout)
    house.assert_empty()


def test_who_never_joined_has_no_more_time_for_breaking_the_protocol(house: House) -> None:
    house.poller().say("0/nope,", "2[")
    house.clock.advance(0)
    house.assert_empty()


def test_all_replies_to_one_post_come_in_one_answer(house: House) -> None:
    poller = house.poller()
    poller.connect().on("e")(lambda value: value)
    waiting = poller.poll()
    poller.say(*[f'2{number}["e",{number}]' for number in range(20)])
    house.clock.advance(0)
    assert waiting.answer is not None
    assert waiting.answer[1].split("\x1e") == [f"43{number}[{number}]" for number in range(20)]


# -- nothing is left -----------------------------------------------------------------------------------------------


class Chaos:
    """Clients that do everything at random, on a server whose application is busy."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.random = random.Random(seed)
        self.gates: list[Deferred[Any]] = []
        for namespace in (house.server.of("/"), house.of("/admin")):
            namespace.use(self.middleware)
            namespace.on_connection(self.connected)

    async def think(self) -> None:
        gate: Deferred[Any] = Deferred()
        self.gates.append(gate)
        await gate

    async def middleware(self, socket: Socket) -> None:
        luck = self.random.random()
        if luck < 0.1:
            raise ConnectError("no")
        if luck < 0.4:
            await self.think()

    def connected(self, socket: Socket) -> None:
        socket.join(self.random.choice("xyz"))

        @socket.on("slow")
        async def slow() -> str:
            await self.think()
            return "done"

        @socket.on("ask")
        async def ask() -> Any:
            with suppress(AckTimeout, Disconnected):
                return await socket.emit_with_ack("q", timeout=self.random.choice([None, 5]))

        socket.on("bye")(lambda: socket.disconnect(self.random.random() < 0.3))
        socket.on("tell")(lambda: socket.to("x", "y").volatile.emit("told", b"\1"))

    def step(self, browsers: list[Browser]) -> None:
        at = self.random.randrange(len(browsers))
        if not browsers[at].open:
            browsers[at] = self.house.browser()
            browsers[at].say(*self.random.choice([["0"], ["0/admin,"], ["0", "0/admin,"], []]))
        self.talk(browsers[at])
        if self.random.random() < 0.1:
            browsers[at].cut()
        if self.gates and self.random.random() < 0.3:
            gate = self.gates.pop(self.random.randrange(len(self.gates)))
            if not gate.called:
                gate.callback(None)
        if self.random.random() < 0.05:
            self.house.server.to("z").timeout(3).emit_with_ack("all").addErrback(lambda _: None)
        if self.random.random() < 0.1:
            self.house.clock.advance(self.random.random())

    def talk(self, browser: Browser) -> None:
        joined = [socket.spelling for socket in browser.connection.handler.sockets]  # type: ignore[attr-defined]
        if not joined:
            return
        prefix = {"/": "", "/admin": "/admin,"}[self.random.choice(joined)]
        messages: list[list[str | bytes]] = [
            [f'2{prefix}1["slow"]'], [f'2{prefix}2["ask"]'], [f'2{prefix}["tell"]'], [f'2{prefix}["bye"]'],
            [f"1{prefix}"], [f'51-{prefix}["e",{{"_placeholder":true,"num":0}}]'], [f'51-{prefix}["e"]', b"x"],
            [f"3{prefix}{self.random.randrange(300)}[1]"],
        ]  # fmt: skip
        browser.say(*self.random.choice(messages))


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_left_after_many_clients_were_cut_at_random_moments(house: House, seed: int) -> None:
    chaos = Chaos(house, seed)
    browsers = [house.browser() for _ in range(40)]
    for _ in range(1_500):
        chaos.step(browsers)
    assert house.server.sockets.sockets
    assert house.of("/admin").sockets
    for browser in browsers:
        browser.cut()
    house.clock.advance(5)
    house.assert_empty()
    assert all(gate.called for gate in chaos.gates)
