"""Rooms, ways to leave, and coming back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.support.socketio import Browser, House
from yekta.socketio.recovery import Settings as RecoverySettings
from yekta.socketio.socket import Socket

# -- rooms and leaving -------------------------------------------------------------------------------------------


def test_a_socket_is_in_its_own_room_and_in_those_it_joins(socket: Socket) -> None:
    socket.join("a", "b")
    assert set(socket.rooms) == {socket.id, "a", "b"}
    socket.leave("a")
    socket.leave("never")
    assert set(socket.rooms) == {socket.id, "b"}


def test_a_middleware_s_rooms_are_entered_with_the_namespace(house: House, browser: Browser) -> None:
    seen: list[Any] = []

    @house.server.sockets.use
    def enter(socket: Socket) -> None:
        socket.join("a")
        socket.join("b", "c")
        seen.append(socket.rooms)

    socket = browser.connect()
    assert seen == [frozenset()]
    assert socket.rooms == {socket.id, "a", "b", "c"}


def never_finishes(house: House, browser: Browser) -> None:
    browser.say('51-["e"]')
    house.clock.advance(30)


REASONS: list[tuple[str, Callable[[House, Browser, Socket], Any]]] = [
    ("client namespace disconnect", lambda h, b, s: b.say("1")),
    ("server namespace disconnect", lambda h, b, s: s.disconnect()),
    # Node's documentation: "The socket was forcefully disconnected with socket.disconnect()"; so no recovery.
    ("server namespace disconnect", lambda h, b, s: s.disconnect(close=True)),
    ("server namespace disconnect", lambda h, b, s: h.server.disconnect_sockets(close=True)),
    ("server shutting down", lambda h, b, s: h.server.close()),
    ("ping timeout", lambda h, b, s: h.clock.pump((25, 20))),
    ("transport close", lambda h, b, s: b.cut("transport close")),
    ("transport close", lambda h, b, s: b.connection.packet_received("1")),
    ("transport error", lambda h, b, s: b.cut("transport error")),
    ("parse error", lambda h, b, s: b.say("2[")),
    ("forced server close", lambda h, b, s: b.say('2/nope,["e"]')),
    ("forced server close", lambda h, b, s: b.say("0")),
    ("forced server close", lambda h, b, s: b.say('4{"message":"no"}')),
    ("forced close", lambda h, b, s: never_finishes(h, b)),
]


@pytest.mark.parametrize(("reason", "leave"), REASONS)
def test_leaving_is_told_once_with_the_reason_and_the_rooms_still_there(
    house: House, browser: Browser, socket: Socket, reason: str, leave: Callable[[House, Browser, Socket], Any]
) -> None:
    told: list[Any] = []
    socket.join("a")
    socket.on("disconnecting")(lambda why: told.append(("disconnecting", why, set(socket.rooms), socket.connected)))
    socket.on("disconnect")(lambda why: told.append(("disconnect", why, set(socket.rooms), socket.connected)))
    leave(house, browser, socket)
    socket.disconnect()
    browser.cut()
    assert told == [("disconnecting", reason, {socket.id, "a"}, True), ("disconnect", reason, set(), False)]
    assert socket.id not in house.server.sockets.sockets


def test_a_failing_listener_does_not_keep_a_socket_from_leaving(
    house: House, browser: Browser, socket: Socket, logged: list[Any]
) -> None:
    told: list[str] = []
    for event in ("disconnecting", "disconnect"):
        socket.on(event)(lambda: 1 / 0)
        socket.on(event)(told.append)
    browser.cut()
    assert told == ["transport close"] * 2
    assert not house.server.clients
    assert len(logged) == 2
    logged.clear()


def test_disconnecting_a_socket_that_is_disconnecting_changes_nothing(browser: Browser, socket: Socket) -> None:
    told: list[str] = []

    @socket.on("disconnecting")
    @socket.on("disconnect")
    def again(why: str) -> None:
        told.append(why)
        socket.disconnect()
        socket.disconnect(close=True)

    browser.say("1")
    assert told == ["client namespace disconnect"] * 2
    assert (browser.heard(), browser.open) == ([], True)


def test_a_connection_that_breaks_while_a_socket_is_disconnecting_changes_nothing(
    house: House, browser: Browser, socket: Socket
) -> None:
    told: list[str] = []

    @socket.on("disconnecting")
    @socket.on("disconnect")
    def cut(why: str) -> None:
        told.append(why)
        browser.cut()

    browser.say("1")
    assert told == ["client namespace disconnect"] * 2
    house.assert_empty()


def test_disconnect_leaves_one_namespace_and_with_close_all(house: House, browser: Browser) -> None:
    house.of("/admin")
    root, admin = browser.connect(), browser.connect("/admin")
    admin.disconnect()
    assert browser.heard() == ["1/admin,"]
    assert (root.connected, admin.connected, browser.open) == (True, False, True)
    again = browser.connect("/admin")
    again.disconnect(close=True)
    assert sorted(map(str, browser.heard())) == ["1", "1/admin,"]
    assert (root.connected, again.connected, browser.open, browser.transport.closed) == (False, False, False, True)


def test_who_left_the_first_namespace_is_in_the_others_alone(house: House, browser: Browser) -> None:
    heard: list[Any] = []
    house.of("/admin")
    house.of("/other")
    browser.connect().on("e")(heard.append)
    admin, other = browser.connect("/admin"), browser.connect("/other")
    for socket in (admin, other):
        socket.on("e")(heard.append)
    browser.say("1", '2/admin,["e","admin"]', '2/other,["e","other"]')
    assert (heard, admin.connected, other.connected) == (["admin", "other"], True, True)
    browser.say('2["e","too late"]')
    assert (heard, admin.connected, other.connected, browser.open) == (["admin", "other"], False, False, False)


def test_a_socket_that_left_enters_no_room_and_hears_no_broadcast(
    house: House, browser: Browser, socket: Socket
) -> None:
    browser.say("1")
    socket.join("a")
    assert set(socket.rooms) == set()
    house.server.emit("news")
    assert browser.heard() == []


@pytest.mark.parametrize("close", [False, True])
def test_a_socket_that_left_sends_nobody_off_who_is_there_again(browser: Browser, socket: Socket, close: bool) -> None:
    browser.say("1")
    again = browser.connect()
    socket.disconnect(close)
    assert (browser.heard(), browser.open, again.connected) == ([], True, True)


def test_a_socket_that_left_says_nothing(browser: Browser, socket: Socket) -> None:
    browser.say("1")
    browser.connect()
    socket.emit("to the one before")
    socket.volatile.emit("to the one before")
    assert browser.heard() == []


# -- coming back -------------------------------------------------------------------------------------------------


@pytest.fixture
def recovering(make_house: Callable[..., House]) -> House:
    return make_house(recovery=RecoverySettings())


def come_back(house: House, pid: str | None, offset: str) -> list[Any]:
    """What a client hears that comes back and has seen everything up to ``offset``."""
    browser = house.browser()
    browser.say("0" + json.dumps({"pid": pid, "offset": offset}))
    return [json.loads(str(message)[1:]) for message in browser.heard()]


def last_offset(browser: Browser) -> str:
    offset = json.loads(str(browser.heard()[-1])[1:])[-1]
    assert isinstance(offset, str)
    return offset


@pytest.mark.parametrize("pid", [[], {}, 1, None, True])
def test_what_is_no_id_brings_nobody_back(recovering: House, logged: list[Any], pid: Any) -> None:
    browser = recovering.browser()
    socket = browser.connect(auth={"pid": pid, "offset": "0"})
    assert (socket.recovered, logged) == (False, [])


def test_events_lost_on_the_way_are_sent_again_though_a_question_came_after_them(recovering: House) -> None:
    browser = recovering.browser()
    socket = browser.connect(auth={"recover": True})
    socket.emit("seen")
    offset = last_offset(browser)
    socket.emit("lost on the way")
    socket.emit_with_ack("also lost").addErrback(lambda _: None)
    browser.cut()
    welcome, event = come_back(recovering, socket.pid, offset)
    assert welcome == {"sid": socket.id, "pid": socket.pid}
    assert event[0] == "lost on the way"


def test_an_event_that_cannot_be_said_keeps_nobody_from_coming_back(recovering: House) -> None:
    browser = recovering.browser()
    socket = browser.connect(auth={"recover": True})
    recovering.server.emit("seen")
    offset = last_offset(browser)
    with pytest.raises(ValueError, match=r".*"):
        recovering.server.emit("news", object())
    browser.cut()
    recovering.server.emit("news", object())
    recovering.server.emit("missed")
    welcome, event = come_back(recovering, socket.pid, offset)
    assert welcome == {"sid": socket.id, "pid": socket.pid}
    assert event[0] == "missed"


@pytest.mark.parametrize("leave", [lambda b, s: b.cut(), lambda b, s: b.say("1"), lambda b, s: s.disconnect()])
def test_a_client_that_goes_cancels_its_connection_listener_for_which_no_event_waits(
    house: House, leave: Callable[[Browser, Socket], None]
) -> None:
    seen: list[str] = []

    async def stays(socket: Socket) -> None:
        socket.on("e")(seen.append)
        try:
            await Deferred()
        finally:
            seen.append(f"{socket.spelling} over")

    house.server.on_connection(stays)
    house.of("/other").on_connection(stays)
    browser = house.browser()
    browser.connect("/other")
    socket = browser.connect()
    browser.say('2["e","a"]')
    assert seen == ["a"]
    leave(browser, socket)
    assert [each for each in seen if each[:2] != "/o"] == ["a", "/ over"]
    assert ("/other over" in seen) == (not browser.open)


def test_a_connection_listener_that_sends_its_socket_off_goes_on(house: House, logged: list[Any]) -> None:
    begin: Deferred[None] = Deferred()
    seen: list[str] = []

    @house.server.on_connection
    async def refuses(socket: Socket) -> None:
        await begin
        socket.disconnect()
        seen.append("sent off")

    browser = house.browser()
    browser.connect("/")
    begin.callback(None)
    assert (seen, logged) == (["sent off"], [])
