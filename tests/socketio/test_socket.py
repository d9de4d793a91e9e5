"""One client in one namespace, as an application sees it."""

from __future__ import annotations

from typing import Any

from tests.support.socketio import Browser, House
from yekta.socketio.socket import Socket

# -- what it is --------------------------------------------------------------------------------------------------


def test_the_handshake_tells_how_the_client_came(house: House) -> None:
    house.clock.ahead = 1_000_000
    browser = house.browser({"user-agent": "test", "origin": "https://app.example"}, token="t")
    handshake = browser.connect(auth={"token": "a", "more": [1]}).handshake
    assert handshake.auth == {"token": "a", "more": [1]}
    assert handshake.query["token"] == "t"
    assert handshake.headers["user-agent"] == "test"
    assert (handshake.address, handshake.secure, handshake.cross_domain) == ("192.0.2.7", False, True)
    assert handshake.url == "/socket.io/"
    assert handshake.issued == 1_000_000_000
    assert handshake.time == "Mon, 12 Jan 1970 13:46:40 GMT"


def test_a_handshake_does_not_show_its_secrets(socket: Socket) -> None:
    assert "token" not in repr(socket.handshake)


def test_ids_are_random_and_not_those_of_the_connection(house: House) -> None:
    browsers = [house.browser() for _ in range(120)]
    ids = {browser.connect().id for browser in browsers}
    assert len(ids) == 120
    assert {len(id) for id in ids} == {20}
    assert not ids & {browser.connection.sid for browser in browsers}
    assert all(len({id[at] for id in ids}) > 10 for at in range(20))


# -- emit --------------------------------------------------------------------------------------------------------


def test_events_go_out_in_order_with_their_attachments(browser: Browser, socket: Socket) -> None:
    socket.emit("a")
    socket.emit("b", b"\1", {"c": b"\2"}, None)
    socket.volatile.emit("d", "é")
    placeholder = '{"_placeholder":true,"num":%d}'
    binary = f'52-["b",{placeholder % 0},{{"c":{placeholder % 1}}},null]'
    assert browser.heard() == ['2["a"]', binary, b"\1", b"\2", '2["d","é"]']


def test_outgoing_catch_alls_see_events_but_no_acknowledgements(browser: Browser, socket: Socket) -> None:
    calls: list[Any] = []

    @socket.on_any_outgoing
    def last(event: str, *args: Any) -> None:
        calls.append(("last", event, *args))

    @socket.prepend_any_outgoing
    def first(event: str, *args: Any) -> None:
        calls.append(("first", event, *args))

    socket.on("q")(lambda: "a")
    browser.say('21["q"]')
    socket.emit("e", 1)
    socket.namespace.emit("f")
    assert calls == [("first", "e", 1), ("last", "e", 1), ("first", "f"), ("last", "f")]
    socket.off_any_outgoing(first)
    socket.emit("g")
    assert calls[4:] == [("last", "g")]
    socket.off_any_outgoing()
    socket.emit("h")
    assert len(calls) == 5


def test_an_outgoing_catch_all_that_fails_keeps_no_event_from_anybody(house: House, logged: list[Any]) -> None:
    browsers = [house.browser() for _ in range(3)]

    def broken(event: str) -> None:
        raise RuntimeError

    for browser in browsers:
        browser.connect().on_any_outgoing(broken)
    house.server.emit("news")
    assert [browser.heard() for browser in browsers] == [['2["news"]']] * 3
    assert len(logged) == 3
    logged.clear()


# -- listening ---------------------------------------------------------------------------------------------------


def test_listeners_come_and_go(browser: Browser, socket: Socket) -> None:
    calls: list[str] = []

    @socket.on("e")
    def always() -> None:
        calls.append("always")

    @socket.once("e")
    def once() -> None:
        calls.append("once")

    browser.say('2["e"]', '2["e"]')
    assert calls == ["always", "once", "always"]
    socket.off("e", always)
    browser.say('2["e"]')
    assert len(calls) == 3


def test_incoming_catch_alls_come_and_go(browser: Browser, socket: Socket) -> None:
    calls: list[str] = []
    one = socket.on_any(lambda event: calls.append("one"))
    socket.on_any(lambda event: calls.append("two"))
    socket.off_any(one)
    browser.say('2["e"]')
    socket.off_any()
    browser.say('2["e"]')
    assert calls == ["two"]


def test_a_socket_s_own_error_listener_is_told_of_a_middleware_that_failed(browser: Browser, socket: Socket) -> None:
    told: list[Any] = []
    error = PermissionError()

    @socket.use
    def check(event: str, args: list[Any]) -> None:
        raise error

    socket.on("error")(told.append)
    socket.on("e")(lambda: told.append("delivered"))
    browser.say('21["e"]')
    assert told == [error]
    assert browser.heard() == []
