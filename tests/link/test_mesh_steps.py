"""Two processes that meet, one step at a time: which connection comes or goes first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from tests.support.listener import Listener
from yekta.link import words
from yekta.link.mesh import MAX_WAITING, Mesh
from yekta.socketio.cluster_words import Word


class Corner:
    """One process that connects to ``b``: when `connect` says so, by ``transport``; ``b`` comes with `visit`."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.listener = Listener()
        self.made: list[Any] = []
        self.mesh = Mesh(self.clock, "a", lambda: ["b"], self._begin)
        self.transport = StringTransport()
        self.visitor = words.Words(0)
        self.visitor.makeConnection(StringTransport())

    def _begin(self, name: str, protocol: words.Words) -> Deferred[Any]:
        self.made.append(protocol)
        return Deferred()

    def connect(self) -> None:
        self.made[0].makeConnection(self.transport)

    def visit(self) -> Any:
        return self.mesh.welcome("b", self.visitor)


@pytest.fixture
def corner() -> Iterator[Corner]:
    corner = Corner()
    corner.mesh.begin(corner.listener)
    corner.mesh.look()
    yield corner
    corner.mesh.leave()
    assert (corner.listener.seen, corner.clock.getDelayedCalls()) == ([], [])


def test_nobody_is_looked_for_where_nobody_wants_to_know() -> None:
    corner = Corner()
    corner.mesh.look()
    assert (corner.made, corner.clock.getDelayedCalls()) == ([], [])


@pytest.mark.parametrize("first", ["connect", "visit"])
def test_one_is_seen_and_told_once_both_connections_are_there(corner: Corner, first: str) -> None:
    steps = [corner.connect, corner.visit]
    for step in steps if first == "connect" else reversed(steps):
        assert corner.listener.seen == []
        corner.mesh.publish(Word(7))
        step()
    assert corner.listener.seen == ["b"]
    assert Word(7).text not in corner.transport.value()
    corner.mesh.publish(Word(8))
    assert corner.transport.value().endswith(Word(8).text)


@pytest.mark.parametrize("lost", ["ours", "theirs"])
def test_where_one_connection_is_lost_the_other_is_ended(corner: Corner, lost: str) -> None:
    corner.connect()
    inward = corner.visit()
    if lost == "ours":
        corner.made[0].connectionLost(connectionDone)
    else:
        inward.gone()
    assert corner.listener.seen == []
    assert (corner.visitor if lost == "ours" else corner.made[0]).transport.disconnected


def test_a_connection_that_comes_when_we_have_left_is_ended(corner: Corner) -> None:
    corner.visit()
    corner.mesh.leave()
    corner.connect()
    assert (corner.listener.seen, corner.transport.disconnected, corner.transport.value()) == ([], True, b"")


def test_what_comes_when_we_have_left_is_not_heard(corner: Corner) -> None:
    corner.connect()
    inward = corner.visit()
    corner.mesh.leave()
    inward.heard(Word(1).text)
    assert corner.listener.told == []


def test_a_connection_that_we_leave_ends_when_all_has_gone_out(corner: Corner) -> None:
    corner.connect()
    corner.mesh.leave()
    assert (corner.transport.disconnecting, corner.transport.producer) == (True, None)


def test_what_is_said_to_one_that_reads_again_does_not_wait(corner: Corner) -> None:
    corner.connect()
    corner.visit()
    corner.made[0].pauseProducing()
    corner.made[0].resumeProducing()
    for _ in range(2):
        corner.mesh.publish(Word(1, data={"text": "x" * (MAX_WAITING // 2)}))
    assert corner.listener.seen == ["b"]
