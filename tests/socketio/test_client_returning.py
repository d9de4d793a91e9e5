"""A client that leaves a namespace and comes back while an ``async`` listener of what it said before is at work: who
it is to whom, until its turn has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.socketio.slow import Slow
from tests.support.recovery import JAVASCRIPT, visit
from tests.support.socketio import Browser, House, MakeHouse
from yekta.engineio.settings import Settings as EngineSettings
from yekta.socketio.errors import ConnectError
from yekta.socketio.packet import CONNECT, DISCONNECT, EVENT, Packet
from yekta.socketio.parser import MSGPACK
from yekta.socketio.recovery import Settings as RecoverySettings
from yekta.socketio.socket import Socket


class Visits:
    """A client's sockets in a namespace, as they come, each with listeners that take their time."""

    def __init__(self, house: House, spelling: str = "/") -> None:
        self.sockets: list[Socket] = []
        self.slows: list[Slow] = []
        house.of(spelling).on_connection(self.came)

    def came(self, socket: Socket) -> None:
        self.sockets.append(socket)
        self.slows.append(Slow(socket))

    @property
    def calls(self) -> list[list[Any]]:
        """What each of the sockets heard."""
        return [slow.calls for slow in self.slows]


@pytest.fixture
def browser(house: House) -> Browser:
    return house.browser()


@pytest.fixture
def visits(house: House) -> Visits:
    return Visits(house)


# One event is at work, another waits; then the client leaves and comes back.
AWAY = ['2["slow","a"]', '2["fast","b"]', "1", "0"]
BEFORE = ["a", "a done", "b"]


@pytest.mark.parametrize("spelling", ["/", "/chat"])
def test_what_it_says_when_it_is_back_is_said_to_who_came_back(house: House, browser: Browser, spelling: str) -> None:
    prefix = "" if spelling == "/" else f"{spelling},"
    visits = Visits(house, spelling)
    browser.connect(spelling)
    browser.say(*[f"{each[0]}{prefix}{each[1:]}" for each in AWAY])
    browser.say(f'2{prefix}7["fast","c"]', f'51-{prefix}["fast",{{"_placeholder":true,"num":0}}]', b"d")
    visits.slows[0].go()
    assert visits.calls == [BEFORE, ["c", b"d"]]
    assert browser.heard() == [f'0{prefix}{{"sid":"{visits.sockets[1].id}"}}', f'3{prefix}7["c!"]']


def test_so_it_is_in_msgpack(house: House, browser: Browser, visits: Visits) -> None:
    browser.say(*MSGPACK.encode(Packet(CONNECT)))
    for name, value in ("slow", "a"), ("fast", "b"):
        browser.say(*MSGPACK.encode(Packet(EVENT, data=[name, value])))
    browser.say(*MSGPACK.encode(Packet(DISCONNECT)), *MSGPACK.encode(Packet(CONNECT)))
    browser.say(*MSGPACK.encode(Packet(EVENT, data=["fast", b"c"])))
    visits.slows[0].go()
    assert visits.calls == [BEFORE, [b"c"]]


def test_it_may_come_and_go_again_meanwhile(browser: Browser, visits: Visits) -> None:
    browser.connect()
    browser.say(*AWAY, '2["slow","c"]', '2["fast","d"]', "1", "0", '2["fast","e"]', "1")
    visits.slows[0].go()
    assert visits.calls == [BEFORE, ["c"]]
    visits.slows[1].go()
    assert visits.calls == [BEFORE, ["c", "c done", "d"], ["e"]]
    assert browser.open
    assert [socket.connected for socket in visits.sockets] == [False] * 3


def test_its_other_namespaces_hear_in_turn_as_ever(house: House, browser: Browser, visits: Visits) -> None:
    others = Visits(house, "/other")
    browser.connect()
    browser.connect("/other")
    browser.say(*AWAY, '2/other,["fast","o"]', '2["fast","c"]')
    visits.slows[0].go()
    assert visits.calls == [BEFORE, ["c"]]
    assert others.calls == [["o"]]


@pytest.mark.parametrize(("message", "heard"), [('2["fast","d"]', ["d"]), ("1", [])])
def test_what_it_says_while_it_is_out_and_about_to_come_back_waits(
    house: House, browser: Browser, visits: Visits, message: str, heard: list[str]
) -> None:
    others = Visits(house, "/other")
    browser.connect()
    browser.connect("/other")
    browser.say('2/other,["slow","a"]', '2["fast","b"]', "1", '2/other,["slow","c"]', "0")
    others.slows[0].go()
    assert not visits.sockets[0].connected
    browser.say(message)
    others.slows[0].go()
    assert visits.calls == [["b"], heard]
    assert visits.sockets[1].connected is bool(heard)
    assert browser.open


def test_an_answer_to_who_it_was_does_not_wait(browser: Browser, visits: Visits) -> None:
    answered: list[Any] = []
    browser.connect()
    visits.sockets[0].emit_with_ack("question").addCallback(answered.append)
    (question,) = browser.heard()
    number = str(question)[1:].partition("[")[0]
    browser.say(*AWAY, f'3{number}["answer"]')
    assert answered == ["answer"]


# -- who is sent off meanwhile -------------------------------------------------------------------------------------

OFF: list[Callable[[House, Socket], None]] = [
    lambda house, socket: socket.disconnect(),
    lambda house, socket: house.server.disconnect_sockets(),
]


@pytest.mark.parametrize("send_off", OFF)
def test_who_is_sent_off_and_comes_back_is_not_told_what_it_said_before(
    house: House, browser: Browser, visits: Visits, send_off: Callable[[House, Socket], None]
) -> None:
    first = browser.connect()
    browser.say('2["slow","a"]', '2["fast","b"]')
    send_off(house, first)
    browser.say("0", '2["fast","c"]')
    assert len(visits.sockets) == 2
    visits.slows[0].go()
    assert visits.calls == [["a", "a done"], ["c"]]


@pytest.mark.parametrize("send_off", OFF)
def test_who_is_sent_off_does_not_come_back_by_what_it_said_before(
    house: House, browser: Browser, visits: Visits, send_off: Callable[[House, Socket], None]
) -> None:
    first = browser.connect()
    browser.say(*AWAY, '2["fast","c"]', "1", "0", '2["fast","d"]', "1")
    send_off(house, first)
    visits.slows[0].go()
    assert browser.heard() == ["1"]
    assert browser.open
    assert visits.calls == [["a", "a done"]]


def test_nor_does_a_client_of_socketio_2_whose_connect_has_a_query(make_house: MakeHouse) -> None:
    house = make_house(engine=EngineSettings(allow_eio3=True))
    browser, visits = house.browser(EIO="3"), Visits(house, "/chat")
    browser.say("0/chat?room=1", '2/chat,["slow","a"]', '2/chat,["fast","b"]', "1/chat,", "0/chat?room=1")
    visits.sockets[0].disconnect()
    visits.slows[0].go()
    assert browser.heard() == ["0/chat,", "1/chat,"]
    assert visits.calls == [["a", "a done"]]


@pytest.mark.parametrize("before", [True, False], ids=["before its turn", "after"])
def test_it_comes_back_by_what_it_says_after_that(browser: Browser, visits: Visits, before: bool) -> None:
    first = browser.connect()
    browser.say(*AWAY, '2["fast","c"]')
    first.disconnect()
    if not before:
        visits.slows[0].go()
    browser.say("0", '2["fast","d"]')
    if before:
        visits.slows[0].go()
    assert browser.open
    assert visits.calls == [["a", "a done"], ["d"]]
    assert visits.sockets[1].connected


def test_who_came_back_in_turn_and_is_sent_off_leaves_nothing_to_who_comes_next(
    browser: Browser, visits: Visits
) -> None:
    browser.connect()
    browser.say(*AWAY, '2["slow","c"]', '2["fast","d"]', "1")
    visits.slows[0].go()
    visits.sockets[1].disconnect()
    browser.say("0", '2["fast","e"]')
    visits.slows[1].go()
    assert visits.calls == [BEFORE, ["c", "c done"], ["e"]]
    assert visits.sockets[2].connected


def test_another_namespace_s_end_keeps_nobody_from_coming_back(house: House, browser: Browser, visits: Visits) -> None:
    house.of("/other")
    browser.connect()
    other = browser.connect("/other")
    browser.say(*AWAY, '2["fast","c"]')
    other.disconnect()
    visits.slows[0].go()
    assert visits.calls == [BEFORE, ["c"]]


# -- who is not let in again ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ['2["fast","c"]', "1"])
@pytest.mark.parametrize("thinks", [True, False])
def test_what_it_says_before_it_is_let_in_is_out_of_place_then_as_ever(
    house: House, browser: Browser, visits: Visits, message: str, thinks: bool
) -> None:
    first, left = browser.connect(), []
    house.of("/other")
    other = browser.connect("/other")
    other.on("disconnect")(left.append)

    @house.server.use
    def refuse(socket: Socket) -> Deferred[None]:
        if thinks:
            return Deferred()
        raise ConnectError("no")

    browser.say(*AWAY, message)
    assert browser.open
    assert first.connected
    visits.slows[0].go()
    assert visits.calls == [BEFORE]
    assert (browser.open, left) == (False, ["forced server close"])


def test_what_it_says_to_a_namespace_that_it_is_not_in_is_out_of_place_at_once(
    browser: Browser, visits: Visits
) -> None:
    browser.connect()
    browser.say(*AWAY, '2/other,["fast","c"]')
    assert not browser.open
    assert visits.calls == [["a", "a cancelled"]]


def test_a_second_connect_that_waited_ends_all_that_waits_behind_it(browser: Browser, visits: Visits) -> None:
    browser.connect()
    browser.say('2["slow","a"]', '2["fast","b"]', "0", '2["fast","c"]')
    visits.slows[0].go()
    assert visits.calls == [BEFORE]
    assert not browser.open


def test_who_is_sent_off_altogether_is_told_nothing_more(house: House, visits: Visits) -> None:
    poller = house.poller()
    first = poller.connect()
    poller.say(*AWAY, '2["fast","c"]', "1")
    first.disconnect(close=True)
    visits.slows[0].go()
    assert visits.calls == [["a", "a done"]]
    assert poller.heard() == ["1"]


# -- other ways ----------------------------------------------------------------------------------------------------


def test_unordered_events_are_said_to_who_is_there(make_house: MakeHouse) -> None:
    house = make_house(ordered=False)
    browser, visits = house.browser(), Visits(house)
    browser.connect()
    browser.say(*AWAY, '2["fast","c"]')
    assert visits.calls == [["a", "b"], ["c"]]


def test_who_was_recovered_comes_back_as_somebody_new(make_house: MakeHouse) -> None:
    house = make_house(recovery=RecoverySettings())
    visits = Visits(house)
    pid = visit(house).cut().pid
    browser = house.browser(JAVASCRIPT)
    browser.say(f'0{{"pid":"{pid}"}}')
    assert visits.sockets[1].recovered
    browser.say(*AWAY[:3], f'0{{"pid":"{pid}"}}', '2["fast","c"]')
    visits.slows[1].go()
    assert visits.calls == [[], BEFORE, ["c"]]
    assert not visits.sockets[2].recovered
    assert visits.sockets[2].id != visits.sockets[1].id


def test_nobody_is_asked_about_who_is_closed_meanwhile(house: House, visits: Visits) -> None:
    asked: list[Socket] = []
    house.server.use(asked.append)
    poller = house.poller()
    first = poller.connect()
    poller.say(*AWAY, '2["fast","c"]', "1")
    first.client.close("forced close")
    visits.slows[0].go()
    assert asked == [first]
    assert visits.calls == [["a", "a done"]]
