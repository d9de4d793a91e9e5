"""What a client owes the application: answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.socketio.adapter_suite import outcome
from tests.support.socketio import Browser, House
from yekta.socketio.acks import TooManyAcks
from yekta.socketio.errors import AckTimeout, Disconnected
from yekta.socketio.socket import Socket


def ask(browser: Browser, socket: Socket, **options: Any) -> tuple[Any, int]:
    """An answer to come, and the number under which the client was asked."""
    answer = socket.emit_with_ack("q", **options)
    (message,) = browser.heard()
    assert isinstance(message, str)
    assert message.endswith('["q"]')
    return answer, int(message[1:-5])


@pytest.mark.parametrize(
    ("said", "value"),
    [("", None), ("[]", None), ("[null]", None), ('["a"]', "a"), ("[1,2]", [1, 2]), ("[[]]", []), ("[{}]", {})],
)
def test_the_client_answers(browser: Browser, socket: Socket, said: str, value: Any) -> None:
    answer, number = ask(browser, socket)
    browser.say(f"3{number}{said}")
    assert outcome(answer) == value


def test_the_client_answers_with_bytes(browser: Browser, socket: Socket) -> None:
    answer, number = ask(browser, socket)
    browser.say(f'61-{number}[{{"_placeholder":true,"num":0}}]', b"\1")
    assert outcome(answer) == b"\1"


def test_the_client_answers_twice_late_and_what_nobody_asked(house: House, browser: Browser, socket: Socket) -> None:
    answer, number = ask(browser, socket, timeout=5)
    browser.say("399[1]", "399", '3["no number"]', "3", f"3{number}[1]", f"3{number}[2]", f"3{number}")
    assert outcome(answer) == 1
    late, number = ask(browser, socket, timeout=5)
    house.clock.advance(5)
    browser.say(f"3{number}[1]")
    assert isinstance(outcome(late), AckTimeout)
    assert str(AckTimeout()) == "operation has timed out"
    assert browser.open


def test_timeout_comes_before_emit_as_in_node(house: House, socket: Socket) -> None:
    answer = socket.timeout(5).emit_with_ack("q", 1)
    house.clock.advance(4.9)
    assert not answer.called
    house.clock.advance(0.1)
    assert isinstance(outcome(answer), AckTimeout)


def test_flags_come_in_any_order_as_in_node(house: House, browser: Browser, socket: Socket) -> None:
    for flagged in (socket.compress(False).volatile.timeout(5), socket.timeout(5).volatile.compress(False)):
        answer = flagged.emit_with_ack("q", 1)
        (asked,) = browser.heard()
        assert isinstance(asked, str)
        assert asked.endswith('["q",1]')
        house.clock.advance(5)
        assert isinstance(outcome(answer), AckTimeout)
        assert not browser.transport.prepared[-1].compress


LEAVING: list[Callable[[Browser, Socket], None]] = [
    lambda browser, socket: browser.cut(),
    lambda browser, socket: browser.say("1"),
    lambda browser, socket: socket.disconnect(),
    lambda browser, socket: socket.disconnect(close=True),
]


@pytest.mark.parametrize("leave", LEAVING)
def test_whoever_waits_learns_that_the_client_left(
    browser: Browser, socket: Socket, leave: Callable[[Browser, Socket], None]
) -> None:
    answer, _ = ask(browser, socket, timeout=5)
    leave(browser, socket)
    assert isinstance(outcome(answer), Disconnected)
    assert isinstance(outcome(socket.emit_with_ack("q")), Disconnected)


@pytest.mark.parametrize("leave", LEAVING)
@pytest.mark.parametrize("who", ["itself", "another"])
def test_a_listener_that_waits_for_an_answer_does_not_fail_because_the_client_left(
    house: House,
    browser: Browser,
    socket: Socket,
    logged: list[Any],
    leave: Callable[[Browser, Socket], None],
    who: str,
) -> None:
    asker = browser if who == "itself" else house.browser()
    listening = socket if who == "itself" else asker.connect()

    @listening.on("ask")
    async def asked() -> None:
        await socket.emit_with_ack("q")

    asker.say('2["ask"]')
    leave(browser, socket)
    assert logged == []


def test_numbers_are_never_used_twice_in_a_namespace(house: House) -> None:
    one, other = house.browser(), house.browser()
    sockets = one.connect(), other.connect()
    answers = [ask(one, sockets[0]), ask(other, sockets[1]), ask(one, sockets[0])]
    assert len({number for _, number in answers}) == 3
    for answer, _ in answers:
        answer.addErrback(lambda _: None)


@pytest.mark.parametrize("value", [object(), "\ud800"])
def test_a_question_that_cannot_be_said_is_not_waited_for(house: House, socket: Socket, value: Any) -> None:
    timers = len(house.clock.getDelayedCalls())
    with pytest.raises(ValueError, match=r".*"):
        socket.emit_with_ack("q", value, timeout=5)
    with pytest.raises(ValueError, match="reserved"):
        socket.emit_with_ack("disconnect", timeout=5)
    assert len(house.clock.getDelayedCalls()) == timers


def test_questions_that_cannot_be_said_do_not_use_up_what_a_client_may_owe(make_house: Callable[..., House]) -> None:
    browser = make_house(max_acks=1).browser()
    socket = browser.connect()
    for _ in range(3):
        with pytest.raises(ValueError, match=r".*"):
            socket.emit_with_ack("q", object())
    answer, number = ask(browser, socket)
    browser.say(f"3{number}[1]")
    assert outcome(answer) == 1


def test_a_client_that_never_answers_owes_so_much_and_no_more(make_house: Callable[..., House]) -> None:
    browser = make_house(max_acks=2).browser()
    socket = browser.connect()
    answers = [socket.emit_with_ack("q") for _ in range(2)]
    with pytest.raises(TooManyAcks):
        socket.emit_with_ack("q")
    browser.cut()
    assert all(isinstance(outcome(answer), Disconnected) for answer in answers)
