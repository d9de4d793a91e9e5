"""Clients that are lost and come back to any server of a cluster, whose words arrive in any order, by chance."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.support.several import Page, Several
from tests.support.socketio import House

SERVERS, PAGES, STEPS, ROOMS = "abc", 4, 160, "xy"


class Visitor:
    """A page by chance. ``due``: the numbers of the events that it has to hear. ``sids``: how often it began anew."""

    def __init__(self, house: House, random: Random) -> None:
        self.page = Page(house)
        self.due: list[int] = []
        self._begun = 1
        self.rooms = {room for room in ROOMS if random.random() < 0.5}
        self.page.socket.join(*self.rooms)

    def hear(self) -> None:
        """What came for it, should it still wait to be let in."""
        page = self.page
        if page.connected and not page.welcomed:
            page.read()
        if len(page.sids) > self._begun:
            # Whoever begins anew has missed nothing, and is in no room.
            self._begun = len(page.sids)
            self.due.clear()
            self.rooms.clear()

    def judge(self) -> None:
        self.page.read()
        numbers = [number for _, number, _ in self.page.told]
        assert {room for _, _, room in self.page.told} <= {"", *self.rooms, self.page.sids[-1]}
        assert [number for number, times in Counter(numbers).items() if times > 1] == []
        assert set(self.due) - set(numbers) == set()
        assert self.page.errors == []
        assert self.page.welcomed


class Walk:
    """``lost``: how often a client was; ``anew``: how often one began anew for it.

    By every other ``seed`` a server does not notice all losses, and may end a connection that it takes for an old one.
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._notices = seed % 2 == 0
        self._several = Several(SERVERS)
        self._visitors = [Visitor(self._house(), self._random) for _ in range(PAGES)]
        self._number = 0
        self.lost = 0

    @property
    def anew(self) -> int:
        return sum(len(visitor.page.sids) - 1 for visitor in self._visitors)

    def run(self) -> None:
        actions = (self._say, self._say, self._step, self._step, self._step, self._cut, self._come)
        for _ in range(STEPS):
            self._random.choice(actions)()
            for visitor in self._visitors:
                visitor.hear()
            if self._notices:
                assert not [each for each in self._visitors if each.page.browser and not each.page.connected]
        self._several.settle()
        for visitor in self._visitors:
            if not visitor.page.connected:
                visitor.page.come_to(self._house())
                self._several.settle()
            visitor.hear()
            visitor.judge()
            visitor.page.cut()
        self._several.advance(200)
        self._several.close()

    def _house(self) -> House:
        return self._several[self._random.choice(SERVERS)]

    def _say(self) -> None:
        self._number += 1
        io = self._house().server
        room = self._random.choice(("", *ROOMS, *(visitor.page.sids[-1] for visitor in self._visitors)))
        for visitor in self._visitors:
            if not room or room in (*visitor.rooms, visitor.page.sids[-1]):
                visitor.due.append(self._number)
        (io.to(room) if room else io.sockets).emit("said", self._number, room)

    def _step(self) -> None:
        self._several.wires.step(self._random)

    def _cut(self) -> None:
        visitor = self._random.choice(self._visitors)
        if visitor.page.connected:
            self.lost += 1
            page = visitor.page
            leave = page.cut if self._notices else self._random.choice((page.cut, page.leave))
            leave(read=self._random.choice((0, 1, 100)))
            visitor.hear()

    def _come(self) -> None:
        visitor = self._random.choice(self._visitors)
        if not visitor.page.connected:
            visitor.page.come_to(self._house())


@pytest.mark.parametrize("seed", range(400))
def test_nothing_is_lost_and_nothing_heard_twice(seed: int) -> None:
    Walk(seed).run()


def test_most_are_recovered() -> None:
    walks = [Walk(seed) for seed in range(100)]
    for walk in walks:
        walk.run()
    assert sum(walk.anew for walk in walks) < sum(walk.lost for walk in walks) / 10
