"""Clients that are sent away: when, in which order, and who may stay for a while."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock

from tests.support.gateway import Gateway
from tests.support.peers import FakePeer
from yekta.app.answers import Answers
from yekta.app.drain import PACE, TICK, Drain, until
from yekta.app.owner import Owner


class Crowd:
    """Peers of a hub, who leave in the order in which they came."""

    def __init__(self, number: int, *, seconds: float = 10.0, patience: float = 30.0) -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        gateway = Gateway()
        self.hub = gateway.hub
        self.peers = [FakePeer(id=f"peer {index}") for index in range(number)]
        for peer in self.peers:
            gateway.socketio.sockets.adapter.add(peer, (peer.id,))
            peer.since = 0.0
        self.serving = False
        self._seconds, self._patience = seconds, patience

    def drain(self, shuffle: Callable[[list[FakePeer]], object] = lambda peers: None) -> None:
        self.drain_ = Drain(
            self.hub, self.clock, self._seconds, self._patience, shuffle=shuffle, serving=lambda: self.serving
        )
        self.done = self.drain_.begin()

    def pass_(self, seconds: float) -> None:
        self.clock.pump([TICK] * round(seconds / TICK))

    @property
    def left(self) -> list[FakePeer]:
        return [peer for peer in self.peers if peer.ended]


def test_a_crowd_leaves_evenly_over_the_time() -> None:
    crowd = Crowd(1000)
    crowd.drain()
    numbers = []
    for _ in range(10):
        crowd.pass_(1.0)
        numbers.append(len(crowd.left))
        assert crowd.done.called <= (len(crowd.left) == 1000)
    crowd.pass_(TICK)
    assert all(abs(number - 100 * second) <= 10 for second, number in enumerate(numbers, 1))
    assert crowd.clock.getDelayedCalls() == []


def test_the_order_is_whatever_shuffle_makes_it() -> None:
    crowd = Crowd(1000)
    crowd.drain(lambda peers: peers.reverse())
    crowd.pass_(5.0)
    assert crowd.left == crowd.peers[-len(crowd.left) :]


def test_a_few_are_not_kept_waiting() -> None:
    crowd = Crowd(int(PACE))
    crowd.drain()
    crowd.pass_(1.0 + TICK)
    assert crowd.done.called


def test_nobody_is_over_at_once() -> None:
    crowd = Crowd(0)
    crowd.drain()
    assert crowd.done.called
    assert crowd.clock.getDelayedCalls() == []


def test_polling_goes_first() -> None:
    crowd = Crowd(1000)
    for peer in crowd.peers[500:]:
        peer.transport = "polling"
    crowd.drain()
    crowd.pass_(4.0)
    assert crowd.left == crowd.peers[500 : 500 + len(crowd.left)]


def test_who_has_left_is_not_sent_away() -> None:
    crowd = Crowd(2)
    crowd.drain()
    crowd.peers[1].since = None
    crowd.pass_(1.0)
    assert crowd.left == crowd.peers[:1]
    assert crowd.done.called


def busy(peer: FakePeer) -> Deferred[None]:
    """Work of a peer that goes on until it is fired."""
    work: Deferred[None] = Deferred()

    async def wait() -> None:
        await work

    peer.own(wait())
    return work


def test_who_is_being_answered_stays_until_it_is() -> None:
    crowd = Crowd(3)
    work = busy(crowd.peers[0])
    crowd.drain()
    crowd.pass_(5.0)
    assert crowd.left == crowd.peers[1:]
    work.callback(None)
    crowd.pass_(TICK)
    assert crowd.left == crowd.peers
    assert crowd.done.called


def test_patience_ends() -> None:
    crowd = Crowd(1, patience=3.0)
    [peer] = crowd.peers
    busy(peer)
    answers = Answers(crowd.clock)
    peer.follow(answers.begin("m", Owner("s1")), peer.emit)
    crowd.drain()
    crowd.pass_(2.9)
    assert not crowd.left
    crowd.pass_(0.2)
    assert crowd.left
    assert crowd.done.called
    told = {"error": "The server is stopping", "messageId": "m", "retryable": True}
    assert peer.emitted == [("ai:response:error", told)]


def test_others_who_are_being_served_are_waited_for_as_long() -> None:
    for ends in (True, False):
        crowd = Crowd(1, patience=3.0)
        crowd.serving = True
        crowd.drain()
        crowd.pass_(2.9)
        assert crowd.left
        assert not crowd.done.called
        crowd.serving = not ends
        crowd.pass_(0.1 if ends else 0.3)
        assert crowd.done.called


def test_in_a_hurry_nobody_is_waited_for() -> None:
    crowd = Crowd(1000)
    crowd.serving = True
    busy(crowd.peers[-1])
    crowd.drain()
    crowd.pass_(0.5)
    crowd.drain_.hurry()
    crowd.pass_(TICK)
    assert crowd.left == crowd.peers
    assert crowd.done.called


def test_until_waits_for_the_condition_or_the_end() -> None:
    for condition in ([], [True]):
        clock, holds = Clock(), [False]
        done = ensureDeferred(until(lambda holds=holds: holds[0], clock, 1.0))
        clock.pump([TICK] * 5)
        assert not done.called
        holds[:] = condition or holds
        clock.pump([TICK] * (1 if condition else 7))
        assert done.called
