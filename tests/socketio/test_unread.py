"""What waits for its turn is kept as it arrived: what it is read into may take 30 times as much."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from tests.socketio.slow import Slow
from tests.support.socketio import Browser, House, MakeHouse
from yekta.engineio.settings import Settings as EngineSettings
from yekta.socketio.packet import CONNECT, EVENT, Packet
from yekta.socketio.parser import MSGPACK, TEXT, Parser

# As read, each takes 80 bytes.
EMPTY: list[Any] = [[]] * 5_000
# As much as may be kept of a CONNECT: as read, six times its text.
SMALL = ["x" * 8] * 800
TIMES = 20


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def enter(browser: Browser, house: House, parser: Parser, spelling: str) -> Slow:
    """Join, and say what takes its time."""
    browser.say(*parser.encode(Packet(CONNECT, spelling)))
    (socket,) = house.of(spelling).sockets.values()
    slow = Slow(socket)
    browser.say(*parser.encode(Packet(EVENT, spelling, ["slow", "a"])))
    return slow


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("spelling", ["/", "/chat"])
@pytest.mark.parametrize("parser", [TEXT, MSGPACK])
@pytest.mark.parametrize("value", [EMPTY, [*EMPTY, b"x"], "😀" + "x" * 30_000], ids=["lists", "attached", "emoji"])
def test_an_event_that_waits_takes_no_more_than_its_messages(
    house: House, parser: Parser, spelling: str, value: Any
) -> None:
    house.of(spelling)
    browser = house.browser()
    slow = enter(browser, house, parser, spelling)
    messages = parser.encode(Packet(EVENT, spelling, ["fast", value]))
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(TIMES):
        browser.say(*(each + type(each)() for each in messages))
    taken = tracemalloc.get_traced_memory()[0] - before
    # Other tests may have left a thread that is at work: twice the bytes, where as read they are four times as many.
    assert taken < 2 * TIMES * sum(len(each.encode() if isinstance(each, str) else each) for each in messages)
    slow.go()
    assert slow.calls == ["a", "a done", *[value] * TIMES]


@pytest.mark.usefixtures("traced")
def test_a_connect_that_waits_takes_no_more_than_its_message(house: House) -> None:
    browser = house.browser()
    auths: list[Any] = []
    house.server.use(lambda socket: auths.append(socket.auth))
    slow = enter(browser, house, TEXT, "/")
    auth = json.dumps({"a": SMALL}, separators=(",", ":"))
    browser.say('2["fast","b"]', "1")
    before = tracemalloc.get_traced_memory()[0]
    browser.say("0" + auth)
    assert tracemalloc.get_traced_memory()[0] - before < 2 * len(auth)
    slow.go()
    assert auths == [{}, {"a": SMALL}]


def test_it_is_bytes_that_are_counted(make_house: MakeHouse) -> None:
    house = make_house(engine=EngineSettings(max_queued=1_000))
    house.of("/chat")
    browser = house.browser()
    enter(browser, house, TEXT, "/chat")
    browser.say('2/chat,["fast"]', f'2/chat,["fast","{"ی" * 400}"]')
    assert browser.open
    browser.say(f'2/chat,["fast","{"ی" * 400}"]')
    assert not browser.open


@pytest.mark.parametrize("value", ["x" * 400, b"x" * 400])
def test_so_many_bytes_are_handled_at_once_and_no_more(make_house: MakeHouse, value: Any) -> None:
    house = make_house(ordered=False, engine=EngineSettings(max_queued=1_000))
    browser = house.browser()
    slow = Slow(browser.connect())
    messages = TEXT.encode(Packet(EVENT, data=["slow", value]))
    for _ in range(2):
        browser.say(*messages * 2)
        slow.go()
        slow.go()
    assert browser.open
    browser.say(*messages * 3)
    assert not browser.open
    house.assert_empty()
