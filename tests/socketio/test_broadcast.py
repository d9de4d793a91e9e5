"""``io.to(…).except_(…).volatile.emit(…)``, from the server, a namespace and a socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import CancelledError

from tests.socketio.adapter_suite import outcome
from tests.support.socketio import Browser, House
from yekta.socketio.errors import AckTimeout
from yekta.socketio.packet import RESERVED
from yekta.socketio.socket import Socket

NEWS = ['2["news",1]']


class Crowd:
    """Four clients: ``a`` in the room x, ``b`` in x and y, ``c`` in y, ``d`` in none; ``o`` is elsewhere."""

    def __init__(self, house: House) -> None:
        self.server = house.server
        self.browsers: dict[str, Browser] = {name: house.browser() for name in "abcdo"}
        self.sockets: dict[str, Socket] = {
            name: browser.connect("/other" if name == "o" else "/") for name, browser in self.browsers.items()
        }
        for name, rooms in {"a": "x", "b": "xy", "c": "y", "o": "xy"}.items():
            self.sockets[name].join(*rooms)

    def reached(self) -> str:
        """Who heard the news, and nothing else, since last asked."""
        heard = {name: browser.heard() for name, browser in self.browsers.items()}
        assert all(messages in ([], NEWS, ['2/other,["news",1]']) for messages in heard.values())
        return "".join(name for name, messages in heard.items() if messages)


@pytest.fixture
def crowd(house: House) -> Crowd:
    house.of("/other")
    return Crowd(house)


REACH: list[tuple[str, Callable[[Crowd], Any], str]] = [
    ("the server", lambda c: c.server, "abcd"),
    ("another namespace", lambda c: c.server.of("/other"), "o"),
    ("a room", lambda c: c.server.to("x"), "ab"),
    ("in_ is to", lambda c: c.server.in_("x"), "ab"),
    ("two rooms, each client once", lambda c: c.server.to("x", "y"), "abc"),
    ("two rooms in a list", lambda c: c.server.to(["x", "y"]), "abc"),
    ("rooms one after the other", lambda c: c.server.to("x").to("y"), "abc"),
    ("a room that nobody is in", lambda c: c.server.to("nowhere"), ""),
    ("all but a room", lambda c: c.server.except_("x"), "cd"),
    ("a room but not another", lambda c: c.server.to("x").except_("y"), "a"),
    ("the order of to and except_ does not matter", lambda c: c.server.except_("y").to("x"), "a"),
    ("two exceptions", lambda c: c.server.except_("x").except_(["y"]), "d"),
    ("one client by its id", lambda c: c.server.to(c.sockets["d"].id), "d"),
    ("all but one client", lambda c: c.server.except_(c.sockets["d"].id), "abc"),
    ("an id of another namespace", lambda c: c.server.to(c.sockets["o"].id), ""),
    ("local", lambda c: c.server.local.to("x"), "ab"),
    ("volatile", lambda c: c.server.volatile, "abcd"),
    ("uncompressed", lambda c: c.server.compress(False).in_("y"), "bc"),
    ("a room of another namespace", lambda c: c.server.of("/other").to("x"), "o"),
    ("a socket's others", lambda c: c.sockets["a"].broadcast, "bcd"),
    ("a socket's room without itself", lambda c: c.sockets["a"].to("x"), "b"),
    ("a room that the socket is not in", lambda c: c.sockets["a"].in_("y"), "bc"),
    ("a socket's others but for a room", lambda c: c.sockets["a"].except_("y"), "d"),
    ("a socket's local others", lambda c: c.sockets["a"].local, "bcd"),
    ("a socket's volatile others", lambda c: c.sockets["a"].broadcast.volatile.to("x"), "b"),
    ("the same, as Node's users write it", lambda c: c.sockets["a"].volatile.to("x"), "b"),
    ("a flagged socket's others", lambda c: c.sockets["a"].compress(False).broadcast, "bcd"),
]


@pytest.mark.parametrize(("operator", "reached"), [row[1:] for row in REACH], ids=[row[0] for row in REACH])
def test_a_broadcast_reaches(crowd: Crowd, operator: Callable[[Crowd], Any], reached: str) -> None:
    operator(crowd).emit("news", 1)
    assert crowd.reached() == reached


def test_each_flag_makes_a_new_operator(crowd: Crowd) -> None:
    x = crowd.server.to("x")
    x.except_("y")
    x.to("y")
    x.emit("news", 1)
    assert crowd.reached() == "ab"


@pytest.mark.parametrize(("flowing", "heard"), [(True, NEWS), (False, [])])
def test_volatile_events_are_dropped_for_a_client_that_does_not_keep_up(
    crowd: Crowd, flowing: bool, heard: list[str]
) -> None:
    slow = crowd.browsers["a"]
    slow.transport.flowing = flowing
    crowd.server.volatile.emit("news", 1)
    crowd.sockets["b"].broadcast.volatile.emit("news", 1)
    crowd.sockets["a"].volatile.emit("news", 1)
    assert slow.heard() == heard * 3
    assert crowd.browsers["c"].heard() == NEWS * 2
    crowd.server.emit("news", 1)
    assert slow.heard() == NEWS


def test_a_sockets_flags_are_those_of_what_it_says_to_others(crowd: Crowd) -> None:
    slow, a = crowd.browsers["b"], crowd.sockets["a"]
    a.compress(False).to("x").emit("news", 1)
    assert not slow.transport.prepared[-1].compress
    a.volatile.to("x").emit("news", 1)
    assert slow.transport.prepared[-1].compress
    assert slow.heard() == NEWS * 2
    slow.transport.flowing = False
    a.volatile.to("x").emit("news", 1)
    a.compress(True).volatile.broadcast.emit("news", 1)
    assert crowd.reached() == "cd"


def test_a_volatile_question_is_not_asked_of_a_client_that_does_not_keep_up(crowd: Crowd) -> None:
    crowd.browsers["a"].transport.flowing = False
    answer = crowd.sockets["a"].compress(True).volatile.timeout(5).emit_with_ack("q")
    assert crowd.reached() == ""
    answer.cancel()
    assert isinstance(outcome(answer), CancelledError)


def test_volatile_events_are_dropped_while_no_poll_waits(house: House) -> None:
    poller = house.poller()
    poller.connect()
    house.server.volatile.emit("lost")
    waiting = poller.poll()
    house.server.volatile.emit("news", 1)
    house.clock.advance(0)
    assert waiting.answer == (200, "4" + NEWS[0])


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_reserved_name_is_a_value_error_and_reaches_nobody(crowd: Crowd, name: str) -> None:
    socket = crowd.sockets["a"]
    server = crowd.server
    for emit in (server.emit, server.to("x").emit, socket.broadcast.emit, socket.emit, socket.volatile.emit):
        with pytest.raises(ValueError, match="reserved"):
            emit(name)
    for ask in (crowd.server.emit_with_ack, crowd.server.timeout(5).emit_with_ack):
        with pytest.raises(ValueError, match="reserved"):
            ask(name)
    assert crowd.reached() == ""


@pytest.mark.parametrize("value", [object(), "\ud800", {1: 1}])
def test_an_event_that_cannot_be_said_reaches_nobody_and_hurts_nobody(crowd: Crowd, value: Any) -> None:
    with pytest.raises(ValueError, match=r".*"):
        crowd.server.emit("news", value)
    assert crowd.reached() == ""
    assert all(browser.open for browser in crowd.browsers.values())
    crowd.server.emit("news", 1)
    assert crowd.reached() == "abcd"


def test_a_question_that_cannot_be_said_leaves_nothing(crowd: Crowd, house: House) -> None:
    timers = len(house.clock.getDelayedCalls())
    with pytest.raises(ValueError, match=r".*"):
        crowd.server.timeout(5).emit_with_ack("q", object())
    assert len(house.clock.getDelayedCalls()) == timers
    assert crowd.reached() == ""


# -- acknowledgements of many ------------------------------------------------------------------------------------


def question(browser: Browser) -> int:
    """The number of the question ``q`` that came."""
    (message,) = browser.heard()
    assert isinstance(message, str)
    assert message.startswith("2")
    assert message.endswith('["q"]')
    return int(message[1:-5])


def test_the_answers_of_many_are_gathered_under_one_number(crowd: Crowd) -> None:
    answers = crowd.server.to("x").timeout(5).emit_with_ack("q")
    a, b = question(crowd.browsers["a"]), question(crowd.browsers["b"])
    assert a == b
    crowd.browsers["a"].say(f'3{a}["A"]')
    crowd.browsers["a"].say(f'3{a}["again"]')
    crowd.browsers["c"].say(f'3{a}["nobody asked"]')
    assert not answers.called
    crowd.browsers["b"].say(f"3{b}[1,2]")
    assert outcome(answers) == ["A", [1, 2]]


def test_a_time_out_carries_the_answers_that_came(crowd: Crowd, house: House) -> None:
    answers = crowd.server.to("x").timeout(5).emit_with_ack("q")
    number = question(crowd.browsers["a"])
    crowd.browsers["a"].say(f"3{number}[null]")
    house.clock.advance(5)
    error = outcome(answers)
    assert isinstance(error, AckTimeout)
    assert error.responses == [None]
    crowd.browsers["b"].say(f'3{number}["late"]')
    assert crowd.browsers["b"].open


def test_a_client_that_goes_away_is_not_waited_for(crowd: Crowd) -> None:
    answers = crowd.server.to("x").emit_with_ack("q")
    crowd.browsers["a"].cut()
    assert not answers.called
    crowd.browsers["b"].say(f'3{question(crowd.browsers["b"])}["B"]')
    error = outcome(answers)
    assert isinstance(error, AckTimeout)
    assert error.responses == ["B"]


def test_a_socket_waits_for_all_others_as_long_as_it_was_told(crowd: Crowd, house: House) -> None:
    answers = crowd.sockets["a"].timeout(5).to("x").emit_with_ack("q")
    house.clock.advance(4.9)
    assert not answers.called
    house.clock.advance(0.1)
    assert isinstance(outcome(answers), AckTimeout)


def test_a_socket_asks_all_others(crowd: Crowd) -> None:
    answers = crowd.sockets["a"].to("x").timeout(5).emit_with_ack("q")
    crowd.browsers["b"].say(f'3{question(crowd.browsers["b"])}["B"]')
    assert outcome(answers) == ["B"]
    assert crowd.reached() == ""


def test_asking_nobody_is_answered_at_once(crowd: Crowd) -> None:
    assert outcome(crowd.server.to("nowhere").timeout(5).emit_with_ack("q")) == []


def test_a_client_that_owes_too_many_answers_does_not_keep_others_from_being_asked(
    make_house: Callable[..., House],
) -> None:
    house = make_house(max_acks=1)
    browsers = [house.browser() for _ in range(5)]
    debtor = browsers[2].connect().emit_with_ack("debt")
    for browser in browsers[:2] + browsers[3:]:
        browser.connect()
    answers = house.server.timeout(5).emit_with_ack("q")
    for browser in browsers[:2] + browsers[3:]:
        browser.say(f"3{question(browser)}[1]")
    house.clock.advance(5)
    error = outcome(answers)
    assert isinstance(error, AckTimeout)
    assert error.responses == [1] * 4
    debtor.addErrback(lambda _: None)


# -- management --------------------------------------------------------------------------------------------------


def test_sockets_can_be_fetched_with_what_is_known_of_them(crowd: Crowd) -> None:
    a = crowd.sockets["a"]
    a.data["name"] = "Ava"
    (found,) = outcome(crowd.server.to("x").except_("y").fetch_sockets())
    assert (found.id, found.rooms, found.data) == (a.id, {a.id, "x"}, {"name": "Ava"})
    assert found.handshake["address"] == "192.0.2.7"
    found.data["name"] = "changed"
    assert a.data == {"name": "Ava"}


def test_sockets_can_be_made_to_join_and_leave(crowd: Crowd) -> None:
    crowd.server.to("x").sockets_join("n", ["m"])
    crowd.server.to("n").emit("news", 1)
    assert crowd.reached() == "ab"
    crowd.sockets["a"].to("m").sockets_leave("n", "y")
    crowd.server.to("n").emit("news", 1)
    assert crowd.reached() == "a"
    crowd.server.to("y").emit("news", 1)
    assert crowd.reached() == "c"


@pytest.mark.parametrize(("close", "open_"), [(False, True), (True, False)])
def test_sockets_can_be_disconnected(crowd: Crowd, close: bool, open_: bool) -> None:
    crowd.server.to("x").disconnect_sockets(close)
    assert [crowd.sockets[name].connected for name in "abcdo"] == [False, False, True, True, True]
    assert [crowd.browsers[name].heard() for name in "abc"] == [["1"], ["1"], []]
    assert [crowd.browsers[name].open for name in "ab"] == [open_, open_]


def test_emit_then_leave_or_disconnect_in_the_same_turn_loses_nothing(crowd: Crowd) -> None:
    crowd.server.to("x").emit("news", 1)
    crowd.sockets["a"].leave("x")
    crowd.sockets["b"].disconnect(close=True)
    assert crowd.browsers["a"].heard() == NEWS
    assert crowd.browsers["b"].heard() == [*NEWS, "1"]
