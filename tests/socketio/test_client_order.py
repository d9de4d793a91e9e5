"""One client's events, one after the other, though listeners be ``async``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from tests.socketio.slow import Slow
from tests.support.socketio import Browser, House, MakeHouse
from yekta.engineio.settings import Settings as EngineSettings
from yekta.socketio.packet import CONNECT, EVENT, Packet
from yekta.socketio.parser import MSGPACK, TEXT, Parser
from yekta.socketio.socket import Socket


@pytest.fixture
def browser(house: House) -> Browser:
    return house.browser()


@pytest.fixture
def slow(browser: Browser) -> Slow:
    return Slow(browser.connect())


def test_an_event_waits_for_the_async_listener_of_the_one_before(browser: Browser, slow: Slow) -> None:
    browser.say('21["slow","a"]', '22["fast","b"]', '23["slow","c"]', '24["fast","d"]')
    assert slow.calls == ["a"]
    slow.go("A")
    assert slow.calls == ["a", "a done", "b", "c"]
    assert browser.heard() == ['31["A"]', '32["b!"]']
    slow.go()
    assert slow.calls[4:] == ["c done", "d"]
    assert browser.heard() == ['34["d!"]']


def test_one_client_does_not_wait_for_another(house: House, browser: Browser, slow: Slow) -> None:
    browser.say('2["slow","a"]')
    other = house.browser()
    calls = Slow(other.connect()).calls
    other.say('2["fast","b"]')
    assert calls == ["b"]


def test_an_event_waits_for_all_async_listeners_of_the_one_before(browser: Browser) -> None:
    socket = browser.connect()
    slow, also = Slow(socket), Slow(socket)
    browser.say('2["slow","a"]', '2["fast","b"]')
    slow.go()
    assert "b" not in slow.calls
    also.go()
    assert slow.calls[-1] == also.calls[-1] == "b"


def test_an_event_waits_for_async_middlewares_and_fallbacks(browser: Browser) -> None:
    socket = browser.connect()
    calls: list[str] = []
    gates: list[Deferred[None]] = [Deferred(), Deferred()]

    @socket.use
    async def middleware(event: str, args: list[Any]) -> None:
        if event == "a":
            await gates[0]

    @socket.otherwise
    async def fallback(event: str, args: list[Any], ack: Callable[..., None]) -> None:
        calls.append(event)
        if event == "a":
            await gates[1]

    browser.say('2["a"]', '2["b"]')
    assert calls == []
    gates[0].callback(None)
    assert calls == ["a"]
    gates[1].callback(None)
    assert calls == ["a", "b"]


def test_the_next_event_comes_though_a_listener_failed(browser: Browser, slow: Slow, logged: list[Any]) -> None:
    browser.say('2["slow","a"]', '2["fast","b"]')
    slow.waiting.pop().errback(RuntimeError())
    assert slow.calls == ["a", "b"]
    assert len(logged) == 1
    logged.clear()


def test_the_next_event_comes_though_a_listener_was_cancelled(browser: Browser, slow: Slow) -> None:
    browser.say('2["slow","a"]', '2["fast","b"]')
    slow.waiting.pop().cancel()
    assert slow.calls == ["a", "a cancelled", "b"]


def test_acknowledgements_still_arrive_while_a_listener_waits_for_one(browser: Browser) -> None:
    socket = browser.connect()
    calls: list[Any] = []

    @socket.on("start")
    async def start() -> str:
        calls.append(await socket.emit_with_ack("question"))
        return "done"

    socket.on("next")(lambda: calls.append("next"))
    browser.say('21["start"]', '2["next"]')
    (question,) = browser.heard()
    number = str(question)[1:].partition("[")[0]
    browser.say(f'3{number}["answer"]')
    assert calls == ["answer", "next"]
    assert browser.heard() == ['31["done"]']


@pytest.mark.parametrize("message", ["0/admin,", "1/admin,"])
def test_namespaces_are_joined_and_left_while_a_listener_waits(
    house: House, browser: Browser, slow: Slow, message: str
) -> None:
    house.of("/admin")
    if message.startswith("1"):
        browser.connect("/admin")
    # Whoever leaves comes after all that was said before.
    waiting = ['2["fast","b"]'] if message.startswith("0") else []
    browser.say('2["slow","a"]', *waiting, message)
    assert len(house.of("/admin").sockets) == len(waiting)


@pytest.mark.parametrize("spelling", ["/", "/admin"])
def test_a_client_leaves_and_comes_back_after_what_it_said_before(house: House, spelling: str) -> None:
    prefix = "" if spelling == "/" else f"{spelling},"
    here, other, browser = house.of(spelling), house.of("/other"), house.browser()
    browser.connect("/other")
    first = browser.connect(spelling)
    slow, left = Slow(first), []
    first.on("disconnect")(left.append)
    browser.say(f'2{prefix}["slow","a"]', f'2{prefix}["fast","b"]', f"1{prefix}", f"0{prefix}")
    assert list(here.sockets.values()) == [first]
    slow.go()
    assert slow.calls == ["a", "a done", "b"]
    assert left == ["client namespace disconnect"]
    (second,) = here.sockets.values()
    assert second is not first
    assert browser.heard() == [f'0{prefix}{{"sid":"{second.id}"}}']
    assert len(other.sockets) == 1


@pytest.mark.parametrize("waiting", [['2["fast","b"]', "1", "0"], []])
def test_a_second_connect_ends_the_connection_in_its_turn(
    house: House, browser: Browser, slow: Slow, waiting: list[str]
) -> None:
    browser.say('2["slow","a"]', *waiting, "0")
    assert browser.open is bool(waiting)
    slow.go()
    assert not browser.open
    house.assert_empty()


def test_so_many_connects_wait_and_no_more(make_house: MakeHouse) -> None:
    house = make_house(max_backlog=3)
    browser = house.browser()
    Slow(browser.connect())
    browser.say('2["slow","a"]', '2["fast","b"]', "1", "0")
    assert browser.open
    browser.say("0")
    assert not browser.open
    house.assert_empty()


def test_who_is_sent_off_meanwhile_does_not_come_back(house: House) -> None:
    asked: list[Socket] = []
    house.server.sockets.use(asked.append)
    poller = house.poller()
    socket = poller.connect()
    slow = Slow(socket)
    poller.say('2["slow","a"]', '2["fast","b"]', "1", "0")
    socket.disconnect(close=True)
    slow.go()
    assert asked == [socket]
    assert house.server.sockets.sockets == {}
    assert poller.heard() == ["1"]


def test_so_many_events_wait_and_no_more(make_house: MakeHouse) -> None:
    house = make_house(max_backlog=3)
    browser = house.browser()
    slow = Slow(browser.connect())
    for _ in range(2):
        browser.say('2["slow","a"]', *['2["fast","b"]'] * 3)
        slow.go()
    assert slow.calls == ["a", "a done", "b", "b", "b"] * 2
    browser.say('2["slow","a"]', *['2["fast","b"]'] * 4)
    assert not browser.open
    house.assert_empty()


@pytest.mark.parametrize(
    ("parser", "value"),
    [(TEXT, "x" * 400), (TEXT, b"x" * 400), (TEXT, [b"x" * 200, b"y" * 100, b"z"]), (MSGPACK, "x" * 400)],
)
def test_so_many_bytes_wait_and_no_more(make_house: MakeHouse, parser: Parser, value: Any) -> None:
    house = make_house(engine=EngineSettings(max_queued=1_000))
    browser = house.browser()
    browser.say(*parser.encode(Packet(CONNECT)))
    (socket,) = house.server.sockets.sockets.values()
    slow = Slow(socket)
    first, another = (parser.encode(Packet(EVENT, data=[name, value])) for name in ("slow", "fast"))
    for _ in range(2):
        browser.say(*first, *another * 2)
        slow.go()
    assert slow.calls == [value, f"{value!s} done", value, value] * 2
    browser.say(*first, *another * 3)
    assert not browser.open
    house.assert_empty()


def test_thousands_of_events_that_waited_are_handled_without_deep_recursion(make_house: MakeHouse) -> None:
    browser = make_house(max_backlog=20_000).browser()
    slow = Slow(browser.connect())
    browser.say('2["slow","a"]', *['2["fast","b"]'] * 10_000)
    slow.go()
    assert len(slow.calls) == 10_002


def test_a_client_that_goes_cancels_its_listener_and_what_waited(
    house: House, browser: Browser, slow: Slow
) -> None:
    browser.say('2["slow","a"]', '2["fast","b"]')
    browser.cut()
    assert slow.calls == ["a", "a cancelled"]
    house.assert_empty()


def test_a_listener_that_will_not_be_cancelled_ends_quietly(house: House, browser: Browser) -> None:
    calls: list[str] = []
    gate: Deferred[None] = Deferred()
    socket = browser.connect()

    @socket.on("e")
    async def stubborn(ack: Callable[..., None]) -> str:
        try:
            await gate
        except CancelledError:
            calls.append("cancelled")
        socket.emit("too late")
        ack("too late")
        return "too late"

    browser.say('21["e"]', '2["e"]')
    browser.cut()
    assert calls == ["cancelled"]
    assert browser.heard() == []


def test_a_listener_that_is_done_already_holds_nothing_back(browser: Browser) -> None:
    calls: list[Any] = []
    socket = browser.connect()

    @socket.on("e")
    async def quick(value: Any) -> None:
        calls.append(value)

    browser.say(*[f'2["e",{number}]' for number in range(3)])
    assert calls == [0, 1, 2]


# -- ordered=False -------------------------------------------------------------------------------------------------


@pytest.fixture
def unordered(make_house: MakeHouse) -> Browser:
    return make_house(ordered=False).browser()


def test_unordered_events_wait_for_nothing(unordered: Browser) -> None:
    slow = Slow(unordered.connect())
    unordered.say('21["slow","a"]', '22["slow","b"]', '23["fast","c"]')
    assert slow.calls == ["a", "b", "c"]
    slow.waiting[1].callback("B")
    slow.waiting[0].callback("A")
    assert unordered.heard() == ['33["c!"]', '32["B"]', '31["A"]']


def test_so_many_unordered_events_are_handled_at_once_and_no_more(make_house: MakeHouse) -> None:
    house = make_house(ordered=False, max_backlog=2)
    browser = house.browser()
    slow = Slow(browser.connect())
    browser.say('2["slow","a"]', '2["slow","b"]')
    assert browser.open
    browser.say('2["slow","c"]')
    assert not browser.open
    assert sorted(slow.calls[3:]) == ["a cancelled", "b cancelled", "c cancelled"]
    house.assert_empty()


def test_a_client_that_goes_cancels_all_its_unordered_listeners(unordered: Browser) -> None:
    slow = Slow(unordered.connect())
    unordered.say('2["slow","a"]', '2["slow","b"]')
    unordered.cut()
    assert sorted(slow.calls[2:]) == ["a cancelled", "b cancelled"]
