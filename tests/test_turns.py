"""What waits for the next turn, or for the end of this one."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import LogEvent, capturedLogs, globalLogPublisher

from yekta.app.visits import Visits
from yekta.turns import EndOfTurn, NextTurn, has_turns


class Reactor:
    """Has turns, which end when a test says so."""

    def __init__(self) -> None:
        self.corked: list[Any] = []
        self.running = True

    def seconds(self) -> float:
        return 5.0

    def end_turn(self) -> None:
        for each in self.corked:
            each.uncork()
        self.corked.clear()


def test_the_things_of_a_turn_are_dealt_with_at_its_end() -> None:
    reactor, dealt = Reactor(), list[list[str]]()
    waiting = EndOfTurn(reactor, dealt.append)
    waiting.add("one")
    waiting.add("two")
    assert (dealt, reactor.corked) == ([], [waiting])
    reactor.end_turn()
    waiting.add("three")
    reactor.end_turn()
    reactor.end_turn()
    assert dealt == [["one", "two"], ["three"]]


def test_where_no_turn_will_end_nothing_waits() -> None:
    dealt = list[list[str]]()
    EndOfTurn(Clock(), dealt.append).add("no turns")
    assert not has_turns(Clock())
    reactor = Reactor()
    waiting = EndOfTurn(reactor, dealt.append)
    waiting.add("before the end")
    reactor.running = False
    waiting.add("after it")
    assert dealt == [["no turns"], ["before the end", "after it"]]
    reactor.end_turn()
    assert len(dealt) == 2


def test_the_visits_that_end_in_a_turn_are_told_together() -> None:
    reactor, told = Reactor(), list[LogEvent]()
    visits = Visits(reactor)
    globalLogPublisher.addObserver(told.append)
    try:
        visits.end(2.0, "socketio", "polling", "203.0.113.7", "ping timeout")
        visits.end(1.0, "native-websocket", "websocket", "", "transport close")
        assert told == []
        reactor.end_turn()
    finally:
        globalLogPublisher.removeObserver(told.append)
    assert [(event["seconds"], event["address"]) for event in told] == [(3.0, "203.0.113.7"), (4.0, "a local socket")]


def test_each_thing_is_dealt_with_once_in_the_next_turn_though_others_fail() -> None:
    clock, dealt = Clock(), list[int]()

    def deal(thing: int) -> None:
        dealt.append(thing)
        if dealt == [1]:
            # What is added meanwhile waits for the turn after.
            waiting.add(thing)
        assert thing != 2

    waiting = NextTurn(clock, deal)
    for thing in (1, 2, 1, 3):
        waiting.add(thing)
    assert dealt == []
    with capturedLogs() as lines:
        clock.advance(0)
    assert dealt == [1, 2, 3, 1]
    assert [line["log_failure"].type for line in lines] == [AssertionError]
    assert clock.getDelayedCalls() == []
