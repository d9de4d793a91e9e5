"""Namespaces that are made when clients ask for them (reference: row 31)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from tests.socketio.dynamic import REFUSED, ROOMS, children, join
from tests.support.socketio import House
from yekta.socketio.errors import ConnectError
from yekta.socketio.socket import Socket

# -- which names ---------------------------------------------------------------------------------------------


def test_an_expression(house: House) -> None:
    house.server.of(ROOMS)
    assert str(join(house, "/room-1").heard()[0]).startswith('0/room-1,{"sid":"')
    assert join(house, "/room-x").heard() == [f"4/room-x,{REFUSED}"]
    assert children(house) == ["/room-1"]


def test_an_expression_is_searched_for_as_in_javascript(house: House) -> None:
    house.server.of(re.compile("room"))
    assert str(join(house, "/a-room-of").heard()[0]).startswith("0/a-room-of,")


def sync(name: str, auth: dict[str, Any]) -> bool:
    return auth.get("token") == name


async def coroutine(name: str, auth: dict[str, Any]) -> bool:
    return await succeed(sync(name, auth))


def deferred(name: str, auth: dict[str, Any]) -> Deferred[bool]:
    return succeed(sync(name, auth))


@pytest.mark.parametrize("predicate", [sync, coroutine, deferred])
def test_a_predicate_is_given_name_and_auth(house: House, predicate: Callable[..., Any]) -> None:
    house.server.of(predicate)
    assert str(join(house, "/a", '{"token":"/a"}').heard()[0]).startswith("0/a,")
    assert join(house, "/a-b", '{"token":"/c"}').heard() == [f"4/a-b,{REFUSED}"]
    assert join(house, "/d").heard() == [f"4/d,{REFUSED}"]


def explode(name: str, auth: dict[str, Any]) -> bool:
    raise RuntimeError("secret")


@pytest.mark.parametrize("predicate", [explode, lambda name, auth: fail(RuntimeError("secret"))])
def test_a_predicate_that_fails_is_logged_and_refuses(
    house: House, logged: list[Failure], predicate: Callable[..., Any]
) -> None:
    house.server.of(predicate)
    browser = join(house, "/a")
    assert browser.heard() == [f"4/a,{REFUSED}"]
    assert browser.open
    assert [failure.type for failure in logged] == [RuntimeError]
    logged.clear()
    browser.say("0/a,")
    assert browser.heard() == [f"4/a,{REFUSED}"], "it may ask again"
    logged.clear()


def test_a_name_of_the_application_s_own_comes_first(house: House) -> None:
    parent = house.server.of(lambda name, auth: True)
    house.of("/static")
    join(house, "/static")
    assert parent.children == set()


def test_a_name_that_the_application_asks_for_first_is_no_way_round_the_middlewares(house: House) -> None:
    parent, told = house.server.of(ROOMS), []

    @parent.use
    def authenticate(socket: Socket) -> None:
        if socket.handshake.auth.get("token") != "x":
            raise ConnectError("no")

    parent.on_connection(lambda socket: told.append(socket.namespace.name))
    room = house.server.of("/room-1")
    room.emit("nobody is there")
    room.on_connection(lambda socket: told.append("its own"))
    assert join(house, "/room-1").heard() == ['4/room-1,{"message":"no"}']
    for _ in range(2):
        # Like any that it made, it stays.
        browser = house.browser()
        browser.say('0/room-1,{"token":"x"}')
        browser.heard()
        parent.emit("hello")
        assert browser.heard() == ['2/room-1,["hello"]']
        browser.cut()
    assert told == ["/room-1", "its own"] * 2
    assert house.server.of("/room-1") is room


def test_a_name_that_no_expression_has_is_the_application_s_own(house: House) -> None:
    asked: list[str] = []
    parent = house.server.of(ROOMS)
    house.server.of(lambda name, auth: bool(asked.append(name)))
    house.server.of("/static")
    assert (parent.children, asked) == (set(), [])


def test_parents_are_asked_in_order_until_one_agrees(house: House) -> None:
    asked: list[str] = []
    house.server.of(lambda name, auth: asked.append("first") is not None)
    second = house.server.of(ROOMS)
    house.server.of(lambda name, auth: asked.append("third") is not None)
    join(house, "/room-1")
    assert asked == ["first"]
    assert [child.name for child in second.children] == ["/room-1"]


def test_two_clients_that_ask_at_the_same_time_are_together(house: House) -> None:
    answers: list[Deferred[bool]] = []

    def think(name: str, auth: dict[str, Any]) -> Deferred[bool]:
        answers.append(Deferred())
        return answers[-1]

    house.server.of(think)
    first, second = join(house, "/a"), join(house, "/a")
    assert (first.heard(), second.heard(), children(house)) == ([], [], [])
    for answer in reversed(answers):
        answer.callback(True)
    house.server.of("/a").emit("hello")
    assert (first.heard()[1:], second.heard()[1:]) == (['2/a,["hello"]'], ['2/a,["hello"]'])
    first.cut()
    second.cut()


def test_a_client_that_goes_while_a_predicate_thinks_cancels_it(house: House) -> None:
    cancelled: list[bool] = []
    house.server.of(lambda name, auth: Deferred(lambda _: cancelled.append(True)))
    browser = join(house, "/a")
    browser.cut()
    assert (cancelled, children(house)) == ([True], [])


def test_a_predicate_that_will_not_be_stopped_makes_nothing(house: House) -> None:
    async def stubborn(name: str, auth: dict[str, Any]) -> bool:
        try:
            await Deferred()
        finally:
            return True  # noqa: B012

    parent = house.server.of(stubborn)
    join(house, "/a").cut()
    assert (children(house), parent.children) == ([], set())


# -- what children share -------------------------------------------------------------------------------------


def test_children_share_middlewares_and_listeners(house: House) -> None:
    parent, told = house.server.of(ROOMS), []

    @parent.use
    def authenticate(socket: Socket) -> None:
        if socket.handshake.auth.get("token") != "x":
            raise ConnectError("no", {"in": socket.namespace.name})

    @parent.on_connection
    def connected(socket: Socket) -> None:
        told.append(socket.namespace.name)
        socket.on("hello")(lambda name: f"hello {name}")

    browser = house.browser()
    browser.say('0/room-1,{"token":"x"}', '0/room-2,{"token":"x"}', "0/room-3,")
    assert told == ["/room-1", "/room-2"]
    assert browser.heard()[-1] == '4/room-3,{"message":"no","data":{"in":"/room-3"}}'
    browser.say('2/room-2,7["hello","Ada"]')
    assert browser.heard() == ['3/room-2,7["hello Ada"]']


def test_children_are_apart(house: House) -> None:
    house.server.of(ROOMS)
    one, two = join(house, "/room-1"), join(house, "/room-2")
    one.heard()
    two.heard()
    house.server.of("/room-1").emit("hello")
    assert (one.heard(), two.heard()) == (['2/room-1,["hello"]'], [])


def test_a_parent_s_emit_reaches_the_sockets_of_all_children(house: House) -> None:
    parent, other = house.server.of(ROOMS), join(house, "/")
    clients = [join(house, f"/room-{number % 3}") for number in range(6)]
    for client in (*clients, other):
        client.heard()
    parent.emit("news", b"\x01")
    for number, client in enumerate(clients):
        assert client.heard() == [f'51-/room-{number % 3},["news",{{"_placeholder":true,"num":0}}]', b"\x01"]
    assert other.heard() == []
