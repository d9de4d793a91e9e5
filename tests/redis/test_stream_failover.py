"""Clients that go from one server to another, while the name of their Redis leads to one after the other, by chance."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from tests.support.several import Page
from tests.support.socketio import House
from tests.support.streams import MemoryConnection, MemoryRedis
from yekta.redis.others import SILENCE
from yekta.redis.stream import StreamWire
from yekta.socketio.cluster import Cluster
from yekta.socketio.incoming_session import PATIENCE
from yekta.socketio.recovery import Settings

SERVERS, PAGES, STEPS = 3, 4, 240


class Name:
    """Where connections lead that are made now."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._redis = MemoryRedis(clock)
        self._connections: list[MemoryConnection] = []

    def make(self, *told: Any) -> MemoryConnection:
        self._connections.append(MemoryConnection(self._redis, *told))
        return self._connections[-1]

    def step(self) -> None:
        self._step(self._random.choice(self._connections))

    def settle(self) -> None:
        while sum(self._step(each) for each in self._connections):
            pass

    def fail_over(self) -> None:
        """To one that knows all that this one does, or what it did a while ago. Some may be at this one for longer."""
        stay = self._random.choice((0, 0.5))
        for each in self._connections:
            if self._random.random() >= stay:
                self._random.choice((each.lose, each.lose_reply))()
        before, self._redis = self._redis, MemoryRedis(self._clock)
        self._redis._count = before._count
        known = self._random.choice((0, self._random.randrange(len(before.entries) + 1), len(before.entries)))
        self._redis.entries = before.entries[:known]

    def end_others(self) -> None:
        """All that it has led to before."""
        for each in self._connections:
            if each._redis is not self._redis:
                each.lose()

    def _step(self, connection: MemoryConnection) -> bool:
        if not connection.wanted or connection.is_up:
            return connection.step()
        connection._redis = self._redis
        connection.connect()
        return True


class Walk:
    """See the module."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._clock = Clock()
        self._clock.advance(1000)
        self._name = Name(self._clock, self._random)
        self._wires = [StreamWire(self._clock, self._name.make) for _ in range(SERVERS)]
        self._clusters = [Cluster(wire) for wire in self._wires]
        self._houses = [House(cluster.adapter, recovery=Settings()) for cluster in self._clusters]
        for wire in self._wires:
            wire.start()
        self._name.settle()
        self._pages = [Page(self._house()) for _ in range(PAGES)]
        self._said = 0

    def run(self) -> None:
        actions = [self._say, *[self._name.step] * 6, self._leave, self._come, self._come, self._pass_time]
        seldom = [self._name.fail_over, self._name.end_others, *[self._name.settle] * 3]
        for _ in range(STEPS):
            self._random.choice(seldom if self._random.random() < 0.1 else actions)()
            self._read()
        self._name.end_others()
        self._name.settle()
        for _ in range(4):
            self._advance(SILENCE / 3)
            self._name.settle()
        assert all(len(each.others) == SERVERS - 1 for each in self._clusters)
        while away := [page for page in self._pages if not page.connected]:
            away[0].come_to(self._house())
            self._name.settle()
            self._advance(PATIENCE)
            self._name.settle()
        for house in self._houses:
            self._say(house)
        self._name.settle()
        self._read()
        for page in self._pages:
            numbers = [number for _, number in page.told]
            assert [number for number, times in Counter(numbers).items() if times > 1] == []
            assert sorted(numbers[-SERVERS:]) == list(range(self._said - SERVERS + 1, self._said + 1))
        self._end()

    def _end(self) -> None:
        for house in self._houses:
            house.close()
        for wire in self._wires:
            assert ensureDeferred(wire.leave()).called

    def _house(self) -> House:
        return self._random.choice(self._houses)

    def _say(self, house: House | None = None) -> None:
        self._said += 1
        (house or self._house()).server.emit("said", self._said)

    def _read(self) -> None:
        for page in self._pages:
            if page.browser is not None:
                page.read()

    def _leave(self) -> None:
        page = self._random.choice(self._pages)
        if page.connected:
            self._random.choice((page.cut, page.leave))(read=self._random.choice((0, 1, 100)))

    def _come(self) -> None:
        page = self._random.choice(self._pages)
        if not page.connected:
            page.come_to(self._house())

    def _pass_time(self) -> None:
        self._advance(self._random.choice((0.01, 0.1, 0.5, PATIENCE)))

    def _advance(self, seconds: float) -> None:
        for clock in (self._clock, *(house.clock for house in self._houses)):
            clock.advance(seconds)


@pytest.mark.parametrize("seed", range(100))
def test_nothing_is_heard_twice_and_all_go_on(seed: int) -> None:
    Walk(seed).run()
