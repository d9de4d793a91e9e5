"""A connection to Redis that comes again: when it is tried, what is said first, and how it ends."""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs
import pytest
import txredisapi
from twisted.internet.defer import TimeoutError
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure

from yekta.redis.address import Address
from yekta.redis.connection import Lost, Refused
from yekta.redis.lasting import CLOSE, CONNECT, LASTED, LONGEST_PAUSE, PAUSE, Lasting

PING = b"*1\r\n$4\r\nPING\r\n"


class Transport(StringTransport):
    """``lose``: the connection is over, by whomever."""

    protocol: Any

    def abortConnection(self) -> None:
        super().abortConnection()
        self.lose()

    def lose(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))


@attrs.define(eq=False)
class Stage:
    """One connection, and what is told of it."""

    address: Address = attrs.field(factory=partial(Address, path="/s"))
    reactor: Any = attrs.field(factory=MemoryReactorClock)
    told: list[str] = attrs.field(factory=list)
    lasting: Lasting = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.lasting = Lasting(
            self.reactor, self.address, lambda: self.told.append("up"), lambda: self.told.append("down")
        )
        self.lasting.start()

    @property
    def attempts(self) -> int:
        return len(self.reactor.unixClients)

    def accept(self, *, answering: bool = True) -> Transport:
        """Somebody takes the connection, and answers if there is but the one question."""
        transport = Transport()
        transport.protocol = self.reactor.unixClients[-1][1].buildProtocol(None)
        transport.protocol.makeConnection(transport)
        if answering and transport.value() == PING:
            transport.clear()
            transport.protocol.dataReceived(b"+PONG\r\n")
        return transport

    def refuse(self) -> None:
        self.reactor.unixClients[-1][1].clientConnectionFailed(None, Failure(ConnectError()))

    def close(self) -> None:
        self.lasting.stop()
        if self.lasting._protocol is not None:
            self.lasting._protocol.transport.lose()
        assert self.reactor.getDelayedCalls() == []


def test_replies_are_read_by_hiredis() -> None:
    assert txredisapi.RedisProtocol is txredisapi.HiredisProtocol


def test_it_is_there_once_it_has_answered() -> None:
    stage = Stage()
    transport = stage.accept(answering=False)
    assert (stage.told, stage.lasting.is_up, transport.value()) == ([], False, PING)
    transport.protocol.dataReceived(b"+PONG\r\n")
    assert (stage.told, stage.lasting.is_up) == (["up"], True)
    stage.close()


def test_who_it_is_is_said_first() -> None:
    stage = Stage(Address(path="/s", username="u", password="p", database=2))
    transport = stage.accept()
    assert transport.value() == b"*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n"
    transport.clear()
    transport.protocol.dataReceived(b"+OK\r\n")
    assert transport.value() == b"*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n"
    transport.clear()
    transport.protocol.dataReceived(b"+OK\r\n")
    assert transport.value() == PING
    assert stage.told == []
    transport.protocol.dataReceived(b"+PONG\r\n")
    assert stage.told == ["up"]
    stage.close()


@pytest.mark.parametrize("password", ["p", None])
def test_one_that_reads_its_file_is_not_there_yet(password: str | None) -> None:
    stage = Stage(Address(path="/s", password=password))
    with capturedLogs() as logged:
        transport = stage.accept(answering=False)
        if password is not None:
            transport.protocol.dataReceived(b"+OK\r\n")
        transport.protocol.dataReceived(b"-LOADING Redis is loading the dataset in memory\r\n")
    assert transport.disconnected
    assert [event["reason"] for event in logged] == ["LOADING"]
    assert stage.told == []
    stage.reactor.advance(PAUSE)
    assert stage.attempts == 2
    stage.close()


def test_one_that_is_no_redis_is_told_of_in_a_word(logged: list[Failure]) -> None:
    stage = Stage()
    with capturedLogs() as events:
        for pause in (PAUSE, 2 * PAUSE):
            transport = stage.accept(answering=False)
            transport.protocol.dataReceived(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            assert transport.disconnected
            stage.reactor.advance(pause)
    assert [event["reason"] for event in events] == ["it does not speak as Redis does"]
    assert stage.attempts == 3
    stage.close()


def test_it_is_tried_again_after_growing_pauses_and_told_of_once() -> None:
    with capturedLogs() as logged:
        stage = Stage()
        pauses = [PAUSE * 2**n for n in range(5)] + [LONGEST_PAUSE] * 2
        for number, pause in enumerate(pauses, 1):
            stage.refuse()
            stage.reactor.advance(pause - 0.01)
            assert stage.attempts == number
            stage.reactor.advance(0.01)
            assert stage.attempts == number + 1
        transport = stage.accept()
        for _ in range(2):
            stage.lasting.call(b"PING")
            transport.protocol.dataReceived(b"+PONG\r\n")
        stage.reactor.advance(LASTED)
        transport.lose()
        stage.reactor.advance(PAUSE)
        assert stage.attempts == len(pauses) + 2
    assert stage.told == ["up", "down"]
    assert [event["reason"] for event in logged] == [
        *("An error occurred while connecting.", "Connection was closed cleanly.")
    ]
    stage.close()


def test_one_that_is_lost_after_its_first_reply_again_and_again_is_tried_after_growing_pauses() -> None:
    stage = Stage()
    with capturedLogs() as logged:
        for number, pause in enumerate([PAUSE * 2**n for n in range(5)] + [LONGEST_PAUSE], 1):
            transport = stage.accept()
            stage.lasting.call(b"XREVRANGE")
            transport.protocol.dataReceived(b"*0\r\n")
            stage.reactor.advance(LASTED / 2)
            stage.lasting.abort("NOPERM")
            stage.reactor.advance(pause - 0.01)
            assert stage.attempts == number
            stage.reactor.advance(0.02)
            assert stage.attempts == number + 1
    assert [formatEvent(event) for event in logged] == ["Redis (REDIS_URL) cannot be used: NOPERM"]
    stage.close()


def test_what_takes_too_long_is_no_refusal() -> None:
    stage = Stage()
    stage.accept()
    failures: list[Any] = []
    stage.lasting.call(b"XREAD").addTimeout(15, stage.reactor).addErrback(lambda failure: failures.append(failure.type))
    stage.reactor.advance(15)
    assert failures == [TimeoutError]
    stage.close()


@pytest.mark.parametrize("password", ["p", None])
@pytest.mark.parametrize("answer", [b"-WRONGPASS secret\r\n", None])
def test_one_that_does_not_let_us_in_is_tried_again(answer: bytes | None, password: str | None) -> None:
    stage = Stage(Address(path="/s", password=password))
    with capturedLogs() as logged:
        transport = stage.accept(answering=False)
        if answer is None:
            stage.reactor.advance(CONNECT)
        else:
            transport.protocol.dataReceived(answer)
    assert transport.disconnected
    assert [event["reason"] for event in logged] == ["WRONGPASS" if answer else "it is silent"]
    assert stage.told == []
    stage.reactor.advance(PAUSE)
    assert stage.attempts == 2
    stage.close()


def test_what_is_said_when_it_is_lost_fails() -> None:
    stage = Stage()
    transport = stage.accept()
    said = stage.lasting.call(b"PING")
    transport.lose()
    assert not stage.lasting.is_up
    failures: list[Any] = []
    for each in (said, stage.lasting.call(b"PING")):
        each.addErrback(lambda failure: failures.append(failure.type))
    assert failures == [Lost, Lost]
    stage.close()


def test_what_redis_says_is_bytes_as_they_are() -> None:
    stage = Stage()
    transport = stage.accept()
    said = stage.lasting.call(b"XREAD")
    for piece in (b"*3\r\n", b"$1\r\n3\r\n", b"$2\r\n\xff\xfe\r\n", b"$1\r\nx\r\n"):
        transport.protocol.dataReceived(piece)
    assert said.result == [b"3", b"\xff\xfe", b"x"]
    stage.close()


def test_what_redis_says_is_wrong_is_told() -> None:
    stage = Stage()
    transport = stage.accept()
    failures: list[Any] = []
    stage.lasting.call(b"PING").addErrback(lambda failure: failures.append(failure.value))
    transport.protocol.dataReceived(b"-OOM a secret\r\n")
    [error] = failures
    assert (type(error), str(error)) == (Refused, "OOM")
    stage.close()


def test_one_that_does_nothing_that_it_is_told_is_told_of_once_and_tried_after_growing_pauses() -> None:
    stage = Stage()
    with capturedLogs() as logged:
        for number, pause in enumerate((PAUSE, 2 * PAUSE, 4 * PAUSE), 1):
            stage.accept()
            stage.lasting.abort("NOPERM")
            stage.reactor.advance(pause - 0.01)
            assert stage.attempts == number
            stage.reactor.advance(0.01)
            assert stage.attempts == number + 1
    assert [event["reason"] for event in logged] == ["NOPERM"]
    stage.close()


def test_one_that_is_given_up_is_told_of_once_and_what_is_not_there_can_be_too() -> None:
    stage = Stage()
    with capturedLogs() as logged:
        stage.lasting.abort()
        transport = stage.accept()
        stage.lasting.abort()
    assert transport.disconnected
    assert [event["reason"] for event in logged] == ["Connection was closed cleanly."]
    stage.reactor.advance(PAUSE)
    assert stage.attempts == 2
    stage.close()


def test_it_ends_when_it_is_closed_and_then_comes_no_more() -> None:
    stage = Stage()
    transport = stage.accept()
    stopped = stage.lasting.stop()
    assert (transport.disconnecting, stopped.called) == (True, False)
    transport.lose()
    assert stopped.called
    assert stage.told == ["up", "down"]
    assert stage.reactor.getDelayedCalls() == []


def test_one_that_is_stuck_is_cut_off() -> None:
    stage = Stage()
    transport = stage.accept()
    stopped = stage.lasting.stop()
    stage.reactor.advance(CLOSE)
    assert transport.disconnected
    assert stopped.called
    assert stage.reactor.getDelayedCalls() == []


def test_one_that_is_closed_before_it_is_let_in_is_not_told_of() -> None:
    stage = Stage(Address(path="/s", password="p"))
    transport = stage.accept()
    with capturedLogs() as logged:
        stage.lasting.stop()
        transport.lose()
    assert (logged, stage.told) == ([], [])
    stage.close()


@pytest.mark.parametrize("while_", ["connecting", "waiting"])
def test_it_may_end_before_it_is_there(while_: str) -> None:
    stage = Stage()
    if while_ == "waiting":
        stage.refuse()
    assert stage.lasting.stop().called
    assert stage.attempts == 1
    assert while_ == "waiting" or stage.reactor.connectors[0].stoppedConnecting
    assert [call.getTime() for call in stage.reactor.getDelayedCalls()] == []
