"""Events that waited for an ``async`` listener are handled as fast as their client reads, and still in their order."""

from __future__ import annotations

from tests.socketio.slow import Slow
from tests.support.socketio import House, MakeHouse
from yekta.engineio.settings import Settings as EngineSettings

# Two of the answers below are more than three quarters of it.
MOST = 1000


def test_they_wait_for_a_client_that_does_not_read(house: House) -> None:
    browser = house.browser()
    slow = Slow(browser.connect())
    browser.say('2["slow","a"]', '2["fast","b"]', '2["fast","c"]')
    browser.transport.flowing = False
    slow.go()
    assert slow.calls == ["a", "a done"]
    browser.say('2["fast","d"]', "1")
    assert slow.calls == ["a", "a done"]
    browser.transport.flowing = True
    browser.connection.handler.drained()
    # Whoever made room may be in the middle of something.
    assert slow.calls == ["a", "a done"]
    house.clock.advance(0)
    assert slow.calls == ["a", "a done", "b", "c", "d"]
    assert not house.of("/").sockets


def test_once_more_where_it_stops_reading_again(house: House) -> None:
    browser = house.browser()
    socket = browser.connect()
    slow = Slow(socket)

    @socket.on("much")
    def much() -> None:
        browser.transport.flowing = False

    browser.say('2["slow","a"]', '2["much"]', '2["fast","b"]')
    slow.go()
    for _ in range(2):
        house.clock.advance(0)
        assert slow.calls == ["a", "a done"]
    browser.transport.flowing = True
    browser.connection.handler.drained()
    house.clock.advance(0)
    assert slow.calls == ["a", "a done", "b"]


def test_they_wait_for_a_poll_once_much_does(make_house: MakeHouse) -> None:
    house = make_house(engine=EngineSettings(max_queued=MOST))
    browser = house.poller()
    socket = browser.connect()
    slow = Slow(socket)
    socket.on("ask")(lambda: "x" * 320)
    browser.say('21["slow","a"]', '22["ask"]', '23["ask"]', '24["ask"]', '25["ask"]', '26["ask"]')
    slow.go("A")
    answers = [[str(each)[:2] for each in browser.heard()] for _ in range(3)]
    assert answers == [["31", "32", "33"], ["34", "35"], ["36"]]


def test_those_of_a_client_that_is_lost_meanwhile_are_dropped(house: House) -> None:
    browser = house.browser()
    slow = Slow(browser.connect())
    browser.say('2["slow","a"]', '2["fast","b"]')
    browser.transport.flowing = False
    slow.go()
    browser.connection.handler.drained()
    browser.cut()
    house.clock.advance(0)
    assert slow.calls == ["a", "a done"]
