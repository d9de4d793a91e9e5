"""A `Town` whose processes are on machines of their own: they have no lines but those over the wire of their rooms."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError

from tests.support.town import Town
from tests.support.wires import Wires
from yekta.link.lines import Lines
from yekta.socketio.cluster import Cluster


class FarTown(Town):
    """``wires``: what carries their words. ``far``: each one's lines. ``cut_off``: those whose wire is not up."""

    def __init__(self, *tags: str, **bounds: int) -> None:
        super().__init__(*tags, **bounds)
        self.wires = Wires()
        self.cut_off: set[str] = set()
        self.far = {tag: Lines(self.wires.wire(tag), self.clock, partial(self._is_up, tag)) for tag in tags}
        self.clusters = [Cluster(lines) for lines in self.far.values()]
        for tag, lines in self.far.items():
            lines.open(self[tag].home)
        self.settle()

    def _is_up(self, tag: str) -> bool:
        return tag not in self.cut_off

    def names(self, tag: str) -> list[str]:
        return sorted(self.far[tag].names)

    def connect(self, tag: str, name: str, protocol: Any) -> Deferred[Any]:
        return fail(ConnectionRefusedError()) if name in self.gone else self.far[tag].connect(name, protocol)

    def settle(self) -> None:
        while self.step(Random(0)):
            pass

    def step(self, random: Random) -> bool:
        # What was written goes out with the turn.
        self.clock.advance(0)
        busy = sorted(ends for ends, words in self.wires.lines.items() if words and ends[1] not in self.stuck)
        if busy:
            self.wires.deliver(*random.choice(busy))
        return bool(busy)

    def kill(self, tag: str) -> None:
        self[tag].home.hesitating.clear()
        self.wires.end(tag)
