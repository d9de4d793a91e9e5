"""Other spellings of a namespace, such as the path that socket.io-client takes for one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.socketio import House
from yekta.socketio.errors import ConnectError
from yekta.socketio.socket import Socket

SPELLINGS = ["/", "/socket.io", "/socket.io/", "/ws"]


@pytest.fixture
def spelled(make_house: Callable[..., House]) -> House:
    return make_house(aliases=dict.fromkeys(SPELLINGS[1:], "/"))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_the_same_namespace_and_is_written_back(spelled: House, spelling: str) -> None:
    prefix = "" if spelling == "/" else spelling + ","
    browser = spelled.browser()
    socket = browser.connect(spelling)
    assert socket.namespace is spelled.server.of("/")
    socket.on("q")(lambda: "a")
    browser.say(f'2{prefix}1["q"]')
    socket.emit("e", b"\1")
    assert browser.heard() == [f'3{prefix}1["a"]', f'51-{prefix}["e",{{"_placeholder":true,"num":0}}]', b"\1"]
    socket.disconnect()
    assert browser.heard() == [f"1{prefix}"]


@pytest.mark.parametrize("spelling", [*SPELLINGS, "ws"])
def test_every_spelling_is_the_same_namespace_to_the_application(spelled: House, spelling: str) -> None:
    assert spelled.server.of(spelling) is spelled.server.sockets
    assert set(spelled.server.namespaces) == {"/"}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_refused_as_it_was_written(spelled: House, spelling: str) -> None:
    prefix = "" if spelling == "/" else spelling + ","

    @spelled.server.use
    def refuse(socket: Socket) -> None:
        raise ConnectError("no")

    browser = spelled.browser()
    browser.say("0" + prefix)
    assert browser.heard() == [f'4{prefix}{{"message":"no"}}']


def test_a_broadcast_and_a_room_reach_all_spellings(spelled: House) -> None:
    browsers = {spelling: spelled.browser() for spelling in SPELLINGS}
    for spelling, browser in browsers.items():
        browser.connect(spelling).join("x")
    spelled.server.to("x").emit("e")
    spelled.server.emit("e")
    for spelling, browser in browsers.items():
        prefix = "" if spelling == "/" else spelling + ","
        assert browser.heard() == [f'2{prefix}["e"]'] * 2


def test_one_client_may_be_there_under_two_spellings(spelled: House) -> None:
    browser = spelled.browser()
    one, other = browser.connect("/"), browser.connect("/ws")
    assert one is not other
    browser.say("1/ws,")
    assert (one.connected, other.connected) == (True, False)
