"""Wires between servers, in memory: lines on which words wait until they are told to arrive.

    town = Wires()
    wire = town.wire("a")                          # for a `Cluster`
    town.settle()                                  # whatever was said has been heard
    town.step(random)                              # one word has, on a line by chance
    town.cut("a", "b")                             # what was on its way between them is lost
"""

from __future__ import annotations

from collections import deque
from random import Random

from yekta.socketio.cluster import Hearer
from yekta.socketio.cluster_words import Unreadable, Word, decode


class MemoryWire:
    """``name``'s end of all its lines. ``left``: those who said what cannot be read."""

    def __init__(self, name: str, wires: Wires) -> None:
        self.name = name
        self.hearer: Hearer
        self.left: list[str] = []
        self._wires = wires

    def begin(self, hearer: Hearer) -> None:
        self.hearer = hearer
        self._wires.arrive(self)

    def publish(self, word: Word) -> None:
        for name in self._wires.seen_by(self.name):
            self.send(name, word)

    def send(self, name: str, word: Word) -> None:
        self.send_text(name, word.text)

    def send_text(self, name: str, text: bytes) -> None:
        line = self._wires.lines.get((self.name, name))
        if line is not None:
            line.append(text)


class Wires:
    """See the module. ``ends``: all, by their names. ``lines``: what is on its way, by who says and who hears it."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, str], deque[bytes]] = {}
        self.ends: dict[str, MemoryWire] = {}

    def wire(self, name: str) -> MemoryWire:
        return MemoryWire(name, self)

    def arrive(self, wire: MemoryWire) -> None:
        before = list(self.ends)
        self.ends[wire.name] = wire
        for name in before:
            self.join(name, wire.name)

    def join(self, one: str, other: str) -> None:
        """They see each other."""
        self.lines[one, other], self.lines[other, one] = deque(), deque()
        self.ends[one].hearer.came(other)
        self.ends[other].hearer.came(one)

    def cut(self, one: str, other: str) -> None:
        for hears, goes in ((one, other), (other, one)):
            self.lines.pop((goes, hears), None)
        for hears, goes in ((one, other), (other, one)):
            self.ends[hears].hearer.went(goes)

    def end(self, name: str) -> None:
        """A server is gone; what it said arrives."""
        for other in self.seen_by(name):
            while self.lines[name, other]:
                self.deliver(name, other)
            self.cut(name, other)
        del self.ends[name]

    def seen_by(self, name: str) -> list[str]:
        return [other for one, other in self.lines if one == name]

    def settle(self) -> None:
        while any(self.lines.values()):
            self.step(Random(0))

    def step(self, random: Random) -> bool:
        busy = sorted(ends for ends, line in self.lines.items() if line)
        if busy:
            self.deliver(*random.choice(busy))
        return bool(busy)

    def deliver(self, one: str, other: str) -> None:
        """The first word on a line arrives."""
        text = self.lines[one, other].popleft()
        end = self.ends[other]
        try:
            end.hearer.heard(one, decode(text))
        except Unreadable:
            end.left.append(one)
            self.cut(one, other)
