"""How long namespaces last that were made for clients (reference: row 32)."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.socketio.dynamic import REFUSED, ROOMS, children, join
from tests.support.recovery import JAVASCRIPT
from tests.support.socketio import Browser, House, MakeHouse
from yekta.socketio.errors import ConnectError
from yekta.socketio.namespace import Namespace
from yekta.socketio.recovery import Settings as Recovery
from yekta.socketio.socket import Socket

ENDS = [Browser.cut, lambda browser: browser.say("1/room-1,"), lambda browser: browser.say("not a packet")]


@pytest.mark.parametrize("end", ENDS, ids=["lost", "left", "broke the protocol"])
def test_a_child_goes_with_its_last_socket(house: House, end: Callable[[Browser], None]) -> None:
    parent = house.server.of(ROOMS)
    browser, other = join(house, "/room-1"), join(house, "/room-1")
    end(browser)
    assert children(house) == ["/room-1"]
    end(other)
    assert (children(house), parent.children) == ([], set())


def test_a_child_goes_when_the_server_disconnects_its_sockets(house: House) -> None:
    parent = house.server.of(ROOMS)
    join(house, "/room-1")
    join(house, "/room-1")
    house.server.of("/room-1").disconnect_sockets()
    assert (children(house), parent.children) == ([], set())


def test_a_child_that_was_made_for_a_client_that_is_refused_goes_at_once(house: House) -> None:
    parent = house.server.of(ROOMS)

    @parent.use
    async def refuse(socket: Socket) -> None:
        raise ConnectError("no")

    join(house, "/room-1")
    assert (children(house), parent.children) == ([], set())


@pytest.mark.parametrize("auth", [{}, {"long": "x" * 20_000}])
def test_a_child_that_was_made_for_a_client_that_came_again_goes_where_it_is_refused_then(
    house: House, auth: dict[str, str]
) -> None:
    agreed: Deferred[bool] = Deferred()
    parent = house.server.of(lambda name, auth: agreed)
    browser = house.browser()
    browser.say("0/room-1,", f"0/room-1,{json.dumps(auth)}")
    agreed.callback(True)
    assert str(browser.heard()[0])[0] == ("4" if auth else "0")
    assert children(house) == ([] if auth else ["/room-1"])
    browser.cut()
    assert (children(house), parent.children) == ([], set())


def test_a_child_stays_while_another_client_is_being_considered(house: House) -> None:
    parent = house.server.of(ROOMS)
    thinking: list[Deferred[None]] = []

    @parent.use
    async def think(socket: Socket) -> None:
        thinking.append(Deferred())
        await thinking[-1]

    first, second = join(house, "/room-1"), join(house, "/room-1")
    (child,) = parent.children
    thinking[0].callback(None)
    first.cut()
    assert children(house) == ["/room-1"]
    thinking[1].callback(None)
    assert [socket.namespace for socket in child.sockets.values()] == [child]
    second.cut()
    assert children(house) == []


def test_a_client_that_goes_while_it_is_considered_takes_the_child_along(house: House) -> None:
    parent = house.server.of(ROOMS)
    parent.use(lambda socket: Deferred())
    join(house, "/room-1").cut()
    assert (children(house), parent.children) == ([], set())


def test_children_may_be_kept(house: House) -> None:
    parent = house.server.of(ROOMS, keep=True)
    join(house, "/room-1").cut()
    (child,) = parent.children
    assert children(house) == ["/room-1"]
    join(house, "/room-1")
    assert parent.children == {child}


def test_a_kept_child_must_have_had_a_socket(house: House) -> None:
    parent = house.server.of(ROOMS, keep=True)

    @parent.use
    def refuse(socket: Socket) -> None:
        raise ConnectError("no")

    for number in range(100):
        join(house, f"/room-{number}")
    assert (children(house), parent.children) == ([], set())


def test_a_child_may_be_made_anew_by_the_listener_that_sees_it_go(house: House) -> None:
    parent, seen = house.server.of(ROOMS), []
    house.server.on_new_namespace(seen.append)
    join(house, "/room-1").cut()
    join(house, "/room-1")
    first, second = (namespace for namespace in seen if isinstance(namespace, Namespace) and namespace.name != "/")
    assert first is not second
    assert parent.children == {second}


def test_names_that_come_and_go_leave_nothing(house: House) -> None:
    house.server.of(ROOMS)
    browser = house.browser()

    def come_and_go(numbers: range) -> int:
        for number in numbers:
            browser.say(f"0/room-{number},")
            house.server.of(f"/room-{number}").emit("hello")
            browser.say(f"1/room-{number},")
            browser.heard()
        browser.transport.prepared.clear()
        gc.collect()
        return len(gc.get_objects())

    before = come_and_go(range(100))
    assert come_and_go(range(100, 600)) - before < 100
    assert children(house) == []


def test_one_client_makes_so_many_and_no_more(make_house: MakeHouse) -> None:
    house = make_house(max_namespaces=3)
    parent = house.server.of(ROOMS)
    browser = house.browser()
    browser.say(*(f"0/room-{number}," for number in range(100)))
    assert len(parent.children) == 3
    assert browser.heard()[3:] == [f"4/room-{number},{REFUSED}" for number in range(3, 100)]


def test_one_client_makes_predicates_think_about_so_many_and_no_more(make_house: MakeHouse) -> None:
    house, asked = make_house(max_namespaces=3), []

    def think(name: str, auth: dict[str, Any]) -> Deferred[bool]:
        asked.append(name)
        return Deferred()

    house.server.of(think)
    browser = house.browser()
    browser.say(*(f"0/room-{number}," for number in range(100)))
    assert len(asked) == 3


def enter(house: House, auth: dict[str, str]) -> tuple[Browser, dict[str, str]]:
    """A client that may recover, in ``/room-1``, and its welcome."""
    browser = house.browser(JAVASCRIPT)
    browser.say(f"0/room-1,{json.dumps(auth)}")
    *_, welcome = (message for message in browser.heard() if str(message).startswith("0"))
    return browser, json.loads(str(welcome).partition(",")[2])


def test_a_child_waits_for_a_client_that_may_come_back(make_house: MakeHouse) -> None:
    house = make_house(recovery=Recovery(max_disconnection=120))
    parent = house.server.of(ROOMS)
    browser, welcome = enter(house, {})
    browser.cut()
    assert children(house) == ["/room-1"]
    back, again = enter(house, {"pid": welcome["pid"]})
    assert again == welcome
    back.cut()
    house.clock.pump([60, 60, 60, 60, 60])
    assert (children(house), parent.children) == ([], set())


def test_no_more_children_wait_than_are_worth_waiting_for(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yekta.socketio.server.MAX_LINGERING", 2)
    house = make_house(recovery=Recovery())
    house.server.of(ROOMS)
    for number in range(5):
        browser = house.browser(JAVASCRIPT)
        browser.say(f"0/room-{number},")
        browser.cut()
    assert children(house) == ["/room-0", "/room-1"]
