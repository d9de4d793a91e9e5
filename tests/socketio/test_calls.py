"""Calling the application: its answers, its failures, and what it may return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from tests.support.socketio import Browser, House
from yekta.socketio.socket import Socket


@pytest.fixture
def browser(house: House) -> Browser:
    return house.browser()


@pytest.fixture
def socket(browser: Browser) -> Socket:
    return browser.connect()


def returns(value: Any) -> Callable[..., Any]:
    def listener() -> Any:
        return value

    return listener


def returns_later(value: Any) -> Callable[..., Any]:
    async def listener() -> Any:
        return value

    return listener


def returns_fired(value: Any) -> Callable[..., Any]:
    def listener() -> Any:
        return succeed(value)

    return listener


def calls_ack(*values: Any) -> Callable[..., Any]:
    def listener(ack: Callable[..., None]) -> None:
        ack(*values)

    return listener


RESULTS: list[tuple[Any, list[str | bytes]]] = [
    ("a", ['37["a"]']),
    (("a", 2), ['37["a",2]']),
    ((), ["37[]"]),
    ([1, 2], ["37[[1,2]]"]),
    (0, ["37[0]"]),
    (False, ["37[false]"]),
    ("", ['37[""]']),
    (None, []),
    ((None,), ["37[null]"]),
    (b"\1", ['61-7[{"_placeholder":true,"num":0}]', b"\1"]),
]
MAKERS: list[Callable[[Any], Callable[..., Any]]] = [returns, returns_later, returns_fired]

ANSWERS: list[tuple[Callable[..., Any], list[str | bytes]]] = [
    *[(maker(value), answer) for maker in MAKERS for value, answer in RESULTS],
    (calls_ack(), ["37[]"]),
    (calls_ack(None), ["37[null]"]),
    (calls_ack(1, "two"), ['37[1,"two"]']),
]


@pytest.mark.parametrize(("listener", "answer"), ANSWERS)
def test_a_listener_acknowledges(
    browser: Browser, socket: Socket, listener: Callable[..., Any], answer: list[str]
) -> None:
    socket.on("q")(listener)
    browser.say('27["q"]')
    assert browser.heard() == answer


@pytest.mark.parametrize("maker", MAKERS)
def test_an_event_that_asks_for_no_acknowledgement_gets_none(
    browser: Browser, socket: Socket, maker: Callable[[Any], Callable[..., Any]]
) -> None:
    socket.on("q")(maker("a"))
    browser.say('2["q"]')
    assert browser.heard() == []


def test_only_the_first_acknowledgement_counts(browser: Browser, socket: Socket) -> None:
    @socket.on("q")
    def ask(ack: Callable[..., None]) -> str:
        ack("first")
        ack("second")
        return "third"

    @socket.on("q")
    def also() -> str:
        return "fourth"

    browser.say('27["q"]')
    assert browser.heard() == ['37["first"]']


def test_a_listener_whose_client_was_sent_off_by_the_one_before_need_not_wait(
    browser: Browser, socket: Socket, logged: list[Failure]
) -> None:
    heard: list[str] = []
    socket.on("q")(lambda: socket.disconnect(close=True))
    socket.on("q")(lambda: heard.append("q"))
    browser.say('2["q"]')
    assert (heard, browser.open, logged) == (["q"], False, [])


@pytest.mark.parametrize("gone", [lambda b: b.cut(), lambda b: b.say("1")])
def test_an_acknowledgement_for_a_client_that_left_goes_nowhere(
    browser: Browser, socket: Socket, gone: Callable[[Browser], None]
) -> None:
    kept: list[Callable[..., None]] = []
    socket.on("q")(lambda ack: kept.append(ack))
    browser.say('27["q"]')
    gone(browser)
    kept[0]("late")
    assert browser.heard() == []


def test_the_acknowledgement_is_written_for_the_namespace_of_the_event(house: House) -> None:
    house.of("/admin")
    browser = house.browser()
    browser.connect("/admin").on("q")(returns("a"))
    browser.say('2/admin,0["q"]')
    assert browser.heard() == ['3/admin,0["a"]']


# -- failures ----------------------------------------------------------------------------------------------------

SECRET = "the client's secret"


def fails(secret: str) -> None:
    raise RuntimeError("broken")


async def fails_later(secret: str) -> None:
    raise RuntimeError("broken")


def returns_failed(secret: str) -> Deferred[None]:
    return fail(RuntimeError("broken"))


@pytest.mark.parametrize("listener", [fails, fails_later, returns_failed])
def test_a_listener_that_fails_is_logged_and_the_client_learns_nothing(
    browser: Browser, socket: Socket, logged: list[Failure], listener: Callable[..., Any]
) -> None:
    after: list[str] = []
    socket.on("q")(listener)
    socket.on("q")(after.append)
    browser.say(f'27["q","{SECRET}"]')
    assert after == [SECRET]
    assert browser.heard() == []
    assert browser.open
    (failure,) = logged
    assert failure.check(RuntimeError)
    assert SECRET not in failure.getErrorMessage()
    logged.clear()


@pytest.mark.parametrize("maker", [*MAKERS, calls_ack])
@pytest.mark.parametrize("value", [object(), "\ud800", {1: 1}])
def test_an_answer_that_cannot_be_said_is_logged_and_hurts_nobody(
    browser: Browser, socket: Socket, logged: list[Failure], maker: Callable[[Any], Any], value: Any
) -> None:
    socket.on("q")(maker(value))
    browser.say('27["q"]')
    assert browser.heard() == []
    assert browser.open
    assert len(logged) == 1
    logged.clear()
    socket.on("r")(returns("fine"))
    browser.say('28["r"]')
    assert browser.heard() == ['38["fine"]']


@pytest.mark.parametrize("depth", [200, 300, 1_000, 100_000])
def test_an_echo_of_deep_json_ends_in_an_answer_or_in_a_closed_connection(
    browser: Browser, socket: Socket, logged: list[Failure], depth: int
) -> None:
    socket.on("echo")(lambda value: value)
    deep = "[" * depth + "]" * depth
    browser.say(f'27["echo",{deep}]')
    heard = browser.heard()
    assert heard == ([f"37[{deep}]"] if depth < 250 else [])
    assert browser.open == (depth < 1_024)
    logged.clear()


def test_half_an_emoji_can_be_echoed(browser: Browser, socket: Socket) -> None:
    socket.on("echo")(lambda value: value)
    browser.say('27["echo","\\ud83d"]')
    assert browser.heard() == ['37["\ufffd"]']


@pytest.mark.parametrize("message", ['2["error",{}]', '2["constructor"]', '2["__proto__"]', "2[1e300]", "2[-0.0]"])
def test_an_event_with_a_name_to_stumble_over_does_no_harm(browser: Browser, socket: Socket, message: str) -> None:
    browser.say(message)
    assert browser.open
    assert browser.heard() == []


class Failing:
    """An owner that fails whenever its client has fetched what was queued."""

    event_received = None

    def drained(self) -> None:
        raise RuntimeError

    def left(self, reason: str, description: str) -> None:
        """It has gone."""


def test_an_owner_that_fails_takes_nothing_from_other_clients(house: House, logged: list[Any]) -> None:
    pollers = [house.poller(), house.poller()]
    sockets = [poller.connect() for poller in pollers]
    sockets[0].owner = Failing()  # type: ignore[assignment]
    polls = [poller.poll() for poller in pollers]
    house.server.emit("news")
    house.clock.advance(0)
    assert [poll.answer for poll in polls] == [(200, '42["news"]')] * 2
    assert {failure.type for failure in logged} == {RuntimeError}
    logged.clear()
