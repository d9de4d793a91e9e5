"""A client that asks to join a namespace again while somebody thinks about it: socket.io-client gives up without a
word where it was not let in yet, and page frameworks have components come, go, and come again at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from tests.support.recovery import JAVASCRIPT, visit
from tests.support.socketio import Browser, House, MakeHouse
from yekta.socketio.errors import ConnectError
from yekta.socketio.recovery import Settings
from yekta.socketio.socket import Socket

AUTH = ['0{"n":1}', '0{"n":2}', '0{"n":3}']


class Thinking:
    """A middleware that thinks about each socket until told."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, Deferred[None]]] = []

    def __call__(self, socket: Socket) -> Deferred[None]:
        thought: Deferred[None] = Deferred()
        self.asked.append((socket.handshake.auth.get("n"), thought))
        return thought

    @property
    def about(self) -> list[Any]:
        return [auth for auth, _ in self.asked]


@pytest.fixture
def thinking(house: House) -> Thinking:
    thinking = Thinking()
    house.server.use(thinking)
    return thinking


def welcomed(browser: Browser) -> list[str]:
    """The sockets that a client was told of, if it was told of nothing else."""
    return [json.loads(str(packet).removeprefix("0"))["sid"] for packet in browser.heard()]


@pytest.mark.parametrize("refused", [False, True])
def test_only_the_last_time_counts(house: House, thinking: Thinking, refused: bool) -> None:
    came: list[Socket] = []
    house.server.on_connection(came.append)
    browser = house.browser()
    browser.say(*AUTH)
    assert thinking.about == [1], "one at a time"
    if refused:
        thinking.asked[0][1].errback(ConnectError("no"))
    else:
        thinking.asked[0][1].callback(None)
    assert (browser.heard(), came, thinking.about) == ([], [], [1, 3])
    thinking.asked[1][1].callback(None)
    assert browser.open
    assert welcomed(browser) == [socket.id for socket in came] == list(house.server.sockets.sockets)
    assert came[0].handshake.auth == {"n": 3}


def test_the_last_time_may_be_refused(house: House, thinking: Thinking) -> None:
    browser = house.browser()
    browser.say(*AUTH[:2])
    thinking.asked[0][1].callback(None)
    thinking.asked[1][1].errback(ConnectError("no"))
    assert browser.heard() == ['4{"message":"no"}']
    assert (browser.open, house.server.sockets.sockets) == (True, {})


def test_too_much_auth_is_refused_then_as_ever(house: House, thinking: Thinking) -> None:
    browser = house.browser()
    browser.say("0", json.dumps({"auth": "x" * 20_000}).join(["0", ""]))
    thinking.asked[0][1].callback(None)
    assert browser.heard() == ['4{"message":"Too much auth"}']
    assert len(thinking.asked) == 1


def test_whoever_goes_is_not_thought_about_again(house: House, thinking: Thinking) -> None:
    browser = house.browser()
    browser.say(*AUTH)
    browser.cut()
    assert (thinking.about, thinking.asked[0][1].called) == ([1], True)
    house.assert_empty()


def test_whoever_is_sent_off_is_not_thought_about_again(house: House, thinking: Thinking) -> None:
    poller = house.poller()
    house.of("/other")
    other = poller.connect("/other")
    poller.say(*AUTH)
    other.disconnect(close=True)
    thinking.asked[0][1].callback(None)
    assert thinking.about == [1]
    assert poller.heard() == ["1/other,"]


def test_other_namespaces_do_not_notice(house: House, thinking: Thinking) -> None:
    house.of("/other")
    browser = house.browser()
    other = browser.connect("/other")
    browser.say(*AUTH[:2])
    thinking.asked[0][1].callback(None)
    thinking.asked[1][1].callback(None)
    assert (len(browser.heard()), other.connected, browser.open) == (1, True, True)


def test_who_is_in_is_sent_off_as_by_node(house: House, thinking: Thinking) -> None:
    browser = house.browser()
    browser.say("0")
    thinking.asked[0][1].callback(None)
    browser.say("0")
    assert not browser.open


@pytest.mark.parametrize("agrees", [True, False])
def test_a_predicate_is_asked_once_more(house: House, agrees: bool) -> None:
    asked: list[tuple[Any, Deferred[bool]]] = []

    def think(name: str, auth: dict[str, Any]) -> Deferred[bool]:
        asked.append((auth, Deferred()))
        return asked[-1][1]

    house.server.of(think)
    browser = house.browser()
    browser.say('0/a,{"n":1}', '0/a,{"n":2}')
    asked[0][1].callback(False)
    assert ([auth for auth, _ in asked], browser.heard()) == ([{"n": 1}, {"n": 2}], [])
    asked[1][1].callback(agrees)
    (answer,) = browser.heard()
    assert str(answer).startswith("0/a," if agrees else "4/a,")
    browser.cut()


def test_a_predicate_that_agreed_the_first_time_leaves_one_socket(house: House) -> None:
    agreed: Deferred[bool] = Deferred()
    house.server.of(lambda name, auth: agreed)
    browser = house.browser()
    browser.say('0/a,{"n":1}', '0/a,{"n":2}')
    agreed.callback(True)
    (answer,) = browser.heard()
    assert str(answer).startswith('0/a,{"sid":')
    assert [each.handshake.auth for each in house.server.of("/a").sockets.values()] == [{"n": 2}]
    browser.cut()


def test_what_could_be_recovered_still_can(make_house: MakeHouse) -> None:
    house = make_house(recovery=Settings(skip_middlewares=False))
    lost = visit(house).cut()
    thinking = Thinking()
    house.server.use(thinking)
    house.server.emit("news")
    browser = house.browser(JAVASCRIPT)
    browser.say(*[f'0{{"pid":"{lost.pid}","n":{number}}}' for number in (1, 2)])
    thinking.asked[0][1].errback(ConnectError("no"))
    thinking.asked[1][1].callback(None)
    welcome, news = browser.heard()
    assert json.loads(str(welcome)[1:])["sid"] == lost.sid
    assert str(news).startswith('2["news","')


def test_a_middleware_whose_own_wait_is_cancelled_refuses(
    house: House, thinking: Thinking, logged: list[Failure]
) -> None:
    browser = house.browser()
    browser.say("0")
    thinking.asked[0][1].cancel()
    assert browser.heard() == ['4{"message":"Internal error"}']
    assert [failure.type for failure in logged] == [CancelledError]
    logged.clear()


def test_a_predicate_whose_own_wait_is_cancelled_refuses(house: House, logged: list[Failure]) -> None:
    answer: Deferred[bool] = Deferred()
    house.server.of(lambda name, auth: answer)
    browser = house.browser()
    browser.say("0/a,")
    answer.cancel()
    assert browser.heard() == ['4/a,{"message":"Invalid namespace"}']
    assert [failure.type for failure in logged] == [CancelledError]
    logged.clear()


def test_who_was_refused_after_some_thought_may_ask_again(house: House) -> None:
    asked: list[Deferred[bool]] = []

    def think(name: str, auth: dict[str, Any]) -> Deferred[bool]:
        asked.append(Deferred())
        return asked[-1]

    house.server.of(think)
    browser = house.browser()
    for number in range(2):
        browser.say("0/a,")
        asked[number].callback(False)
        assert browser.heard() == ['4/a,{"message":"Invalid namespace"}']


def test_a_predicate_that_fails_is_logged_though_its_client_has_gone(house: House, logged: list[Failure]) -> None:
    async def think(name: str, auth: dict[str, Any]) -> bool:
        try:
            await Deferred()
        finally:
            raise RuntimeError

    house.server.of(think)
    browser = house.browser()
    browser.say("0/a,")
    browser.cut()
    assert [failure.type for failure in logged] == [RuntimeError]
    logged.clear()
