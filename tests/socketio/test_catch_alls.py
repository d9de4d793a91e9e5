"""What hears of events beside their listeners: catch-alls, the fallback, and the middlewares of a socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tests.support.socketio import Browser, House
from yekta.socketio.socket import Socket


@pytest.fixture
def browser(house: House) -> Browser:
    return house.browser()


@pytest.fixture
def socket(browser: Browser) -> Socket:
    return browser.connect()


def test_incoming_catch_alls_come_before_listeners(browser: Browser, socket: Socket) -> None:
    calls: list[Any] = []
    socket.on("e")(lambda a: calls.append(("listener", a)))
    socket.on_any(lambda *args: calls.append(("any", *args)))
    socket.prepend_any(lambda *args: calls.append(("first", *args)))
    browser.say('2["e",1]')
    assert calls == [("first", "e", 1), ("any", "e", 1), ("listener", 1)]


@pytest.mark.parametrize("way", ["any", "any_outgoing"])
def test_catch_alls_are_all_told_in_their_order_until_they_are_taken_off(
    browser: Browser, socket: Socket, way: str
) -> None:
    calls: list[str] = []

    def said() -> str:
        calls.clear()
        browser.say('2["e"]')
        socket.emit("e")
        return "".join(calls)

    functions = {name: lambda *_, name=name: calls.append(name) for name in "abc"}
    for add, name in ((f"on_{way}", "b"), (f"on_{way}", "c"), (f"prepend_{way}", "a")):
        assert getattr(socket, add)(functions[name]) is functions[name], "as a decorator does"
    assert said() == "abc"
    getattr(socket, f"off_{way}")(functions["b"])
    assert said() == "ac"
    getattr(socket, f"off_{way}")()
    assert said() == ""


@pytest.mark.parametrize("thinks", [False, True], ids=["at once", "later"])
def test_incoming_catch_alls_hear_of_what_a_middleware_keeps(browser: Browser, socket: Socket, thinks: bool) -> None:
    calls: list[Any] = []
    gate: Deferred[None] = Deferred()

    @socket.use
    async def refuse(event: str, args: list[Any]) -> None:
        args.clear()
        if thinks:
            await gate
        raise PermissionError

    socket.on("error")(lambda error: calls.append(type(error)))
    socket.on("e")(lambda: calls.append("listener"))
    socket.on_any(lambda *args: calls.append(args))
    browser.say('2["e",1]')
    assert calls[:1] == [("e", 1)]
    gate.callback(None)
    assert calls == [("e", 1), PermissionError]


def test_the_fallback_gets_what_has_no_listener(browser: Browser, socket: Socket) -> None:
    calls: list[Any] = []

    def fallback(event: str, args: list[Any], ack: Callable[..., None]) -> str:
        calls.append((event, args))
        return "handled"

    socket.otherwise(fallback)
    socket.on("known")(lambda: "known")
    browser.say('21["known"]', '22["other",1,2]', '2["other"]')
    assert browser.heard() == ['31["known"]', '32["handled"]']
    assert calls == [("other", [1, 2]), ("other", [])]


@pytest.mark.parametrize(
    ("number", "name"),
    [("1", "1"), ("-5", "-5"), ("0.5", "0.5"), ("1.0", "1"), ("1234567", "1234567"), ("9007199254740991",) * 2],
)
def test_a_number_as_a_name_is_what_javascript_makes_of_it(
    browser: Browser, socket: Socket, number: str, name: str
) -> None:
    calls: list[str] = []
    socket.on(name)(lambda: calls.append(name))
    browser.say(f"2[{number}]")
    assert calls == [name]


def test_a_middleware_sees_each_event_and_may_keep_it(
    browser: Browser, socket: Socket, logged: list[Failure]
) -> None:
    calls: list[Any] = []

    @socket.use
    def check(event: str, args: list[Any]) -> None:
        calls.append(("sync", event, args))
        if args == ["bad"]:
            raise PermissionError

    @socket.use
    async def check_later(event: str, args: list[Any]) -> None:
        calls.append(("async", event, args))

    @socket.on("e")
    def listener(value: str) -> str:
        calls.append(value)
        return "done"

    browser.say('21["e","good"]', '22["e","bad"]')
    assert calls == [("sync", "e", ["good"]), ("async", "e", ["good"]), "good", ("sync", "e", ["bad"])]
    assert browser.heard() == ['31["done"]']
    assert browser.open
    assert [failure.type for failure in logged] == [PermissionError]
    logged.clear()
