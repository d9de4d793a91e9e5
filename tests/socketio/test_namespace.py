"""Middlewares, connection listeners, rooms that come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.python.failure import Failure

from tests.support.socketio import House
from yekta.socketio.errors import ConnectError
from yekta.socketio.socket import Socket


def refuses(error: Exception) -> Callable[[Socket], Any]:
    def middleware(socket: Socket) -> Any:
        raise error

    return middleware


def refuses_later(error: Exception) -> Callable[[Socket], Any]:
    async def middleware(socket: Socket) -> Any:
        raise error

    return middleware


def returns_failed(error: Exception) -> Callable[[Socket], Any]:
    def middleware(socket: Socket) -> Any:
        return fail(error)

    return middleware


KINDS = [refuses, refuses_later, returns_failed]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (ConnectError("no"), '{"message":"no"}'),
        (ConnectError("no", {"code": 7}), '{"message":"no","data":{"code":7}}'),
        (ConnectError("نه", 0), '{"message":"نه","data":0}'),
    ],
)
@pytest.mark.parametrize("namespace", ["/", "/admin"])
def test_a_middleware_refuses_and_says_why(
    house: House, kind: Callable[[Exception], Any], error: Exception, answer: str, namespace: str
) -> None:
    came: list[Socket] = []
    house.of(namespace).use(kind(error))
    house.of(namespace).on_connection(came.append)
    browser = house.browser()
    prefix = "" if namespace == "/" else namespace + ","
    for _ in range(2):
        browser.say("0" + prefix)
        assert browser.heard() == ["4" + prefix + answer]
    assert browser.open
    assert came == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_middleware_that_breaks_refuses_and_the_client_learns_nothing(
    house: House, kind: Callable[[Exception], Any], logged: list[Failure]
) -> None:
    house.server.use(kind(RuntimeError("password of the database")))
    browser = house.browser()
    browser.say("0")
    assert browser.heard() == ['4{"message":"Internal error"}']
    assert browser.open
    assert [failure.type for failure in logged] == [RuntimeError]
    logged.clear()


@pytest.mark.parametrize("data", [object(), "\ud800", b"bytes"])
def test_a_refusal_that_cannot_be_said_is_still_a_refusal(house: House, logged: list[Failure], data: Any) -> None:
    house.server.use(refuses_later(ConnectError("no", data)))
    browser = house.browser()
    browser.say("0")
    (answer,) = browser.heard()
    assert isinstance(answer, str)
    assert answer.startswith('4{"message":')
    assert browser.open
    logged.clear()


def test_middlewares_are_asked_in_order_until_one_refuses(house: House) -> None:
    asked: list[str] = []

    @house.server.use
    def first(socket: Socket) -> str:
        asked.append("first")
        socket.data["by"] = "first"
        return "whatever it returns"

    @house.server.use
    async def second(socket: Socket) -> None:
        asked.append("second")
        await succeed(None)
        if socket.handshake.auth != {"good": True}:
            raise ConnectError("no")

    @house.server.use
    def third(socket: Socket) -> None:
        asked.append("third")
        assert not socket.connected

    browser = house.browser()
    browser.say('0{"good":false}')
    assert browser.heard() == ['4{"message":"no"}']
    assert asked == ["first", "second"]
    assert browser.connect(auth={"good": True}).data == {"by": "first"}
    assert asked[2:] == ["first", "second", "third"]


def test_a_middleware_is_asked_for_its_namespace_only(house: House) -> None:
    house.server.use(refuses(ConnectError("no")))
    house.of("/free")
    assert house.browser().connect("/free").connected


class Thinking:
    """A middleware that thinks until ``done`` fires."""

    def __init__(self) -> None:
        self.done: Deferred[None] = Deferred()
        self.sockets: list[Socket] = []
        self.ended: list[type[BaseException]] = []

    async def __call__(self, socket: Socket) -> None:
        self.sockets.append(socket)
        try:
            await self.done
        except CancelledError as error:
            self.ended.append(type(error))
            raise


@pytest.fixture
def thinking(house: House) -> Thinking:
    thinking = Thinking()
    house.server.use(thinking)
    return thinking


def test_a_client_waits_while_a_middleware_thinks(house: House, thinking: Thinking) -> None:
    browser = house.browser()
    browser.say("0")
    assert browser.heard() == []
    assert not house.server.sockets.sockets
    house.server.emit("news")
    thinking.done.callback(None)
    (socket,) = house.server.sockets.sockets.values()
    assert browser.heard() == [f'0{{"sid":"{socket.id}"}}']


def test_whoever_was_refused_after_a_thought_may_ask_again(house: House, thinking: Thinking) -> None:
    browser = house.browser()
    browser.say("0")
    thinking.done.errback(ConnectError("no"))
    assert browser.heard() == ['4{"message":"no"}']
    thinking.done = Deferred()
    browser.say("0")
    thinking.done.callback(None)
    assert len(house.server.sockets.sockets) == 1


def test_a_client_that_goes_while_a_middleware_thinks_ends_its_thoughts(house: House, thinking: Thinking) -> None:
    came: list[Socket] = []
    house.server.on_connection(came.append)
    browser = house.browser()
    browser.say("0")
    browser.cut()
    assert thinking.ended == [CancelledError]
    assert came == []
    house.assert_empty()


@pytest.mark.parametrize("then", ["agree", "refuse", "break"])
def test_a_middleware_that_will_not_be_stopped_opens_nothing(house: House, then: str) -> None:
    gone: Deferred[None] = Deferred()
    came: list[Socket] = []
    house.server.on_connection(came.append)

    @house.server.use
    async def stubborn(socket: Socket) -> None:
        try:
            await gone
        except CancelledError:
            if then == "refuse":
                raise ConnectError("no") from None
            if then == "break":
                raise

    browser = house.browser()
    browser.say("0")
    browser.cut()
    assert browser.heard() == []
    assert came == []
    house.assert_empty()


def test_a_client_may_join_another_namespace_while_a_middleware_thinks(house: House, thinking: Thinking) -> None:
    house.of("/other")
    browser = house.browser()
    browser.say("0")
    assert browser.connect("/other").connected
    thinking.done.callback(None)
    assert len(house.server.sockets.sockets) == 1


def test_connect_is_answered_before_anything_that_a_connection_listener_emits(house: House) -> None:
    @house.server.on_connection
    def welcome(socket: Socket) -> None:
        socket.emit("welcome")
        socket.join("x")
        house.server.to("x").emit("joined")
        socket.broadcast.emit("others")

    browser = house.browser()
    browser.say("0")
    answer, *events = browser.heard()
    assert str(answer).startswith('0{"sid":"')
    assert events == ['2["welcome"]', '2["joined"]']


def test_connection_listeners_may_fail_or_be_async(house: House, logged: list[Failure]) -> None:
    came: list[str] = []

    @house.server.on_connection
    def broken(socket: Socket) -> None:
        raise RuntimeError

    @house.server.on_connection
    async def later(socket: Socket) -> None:
        await succeed(None)
        came.append(socket.id)

    browser = house.browser()
    assert came == [browser.connect().id]
    assert len(logged) == 1
    logged.clear()


def test_a_connection_listener_may_disconnect(house: House) -> None:
    house.server.on_connection(lambda socket: socket.disconnect(close=True))
    browser = house.browser()
    browser.say("0")
    assert str(browser.heard()[-1]) == "1"
    assert not browser.open
    house.assert_empty()


# -- rooms that come and go --------------------------------------------------------------------------------------


def test_an_application_can_watch_rooms(house: House, logged: list[Failure]) -> None:
    seen: list[tuple[str, ...]] = []
    listen = house.server.sockets.adapter_events_on
    for event in ("create-room", "delete-room", "join-room", "leave-room"):
        listen(event)(lambda *args, event=event: seen.append((event, *args)))
    listen("create-room")(refuses(RuntimeError()))
    browser = house.browser()
    socket = browser.connect()
    browser.cut()
    assert seen == [
        (event, socket.id, *more)
        for event, *more in (
            ("create-room",),
            ("join-room", socket.id),
            ("leave-room", socket.id),
            ("delete-room",),
        )
    ]
    assert len(logged) == 1
    logged.clear()
