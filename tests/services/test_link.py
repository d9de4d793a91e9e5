"""The processes of this machine and of others, linked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from tests.support.patience import reactor, turn
from tests.support.wires import Wires
from yekta.app.answers import Answers
from yekta.app.owner import Owner
from yekta.link.lines import LINE, Lines
from yekta.services import config
from yekta.services.link import Link
from yekta.socketio.cluster import Cluster
from yekta.socketio.cluster_words import decode

SARA = Owner("sara")


class Country:
    """``a`` and ``b`` on one machine, ``c`` on another, over one wire; each has an answer of its name."""

    def __init__(self, folder: Path) -> None:
        self.wires = Wires()
        self.links: dict[str, Link] = {}
        self._answers: list[Answers] = []
        for name, machine in (("a", "one"), ("b", "one"), ("c", "two")):
            lines = Lines(self.wires.wire(name), reactor, lambda: True)
            Cluster(lines)
            answers = Answers(reactor)
            answers.begin(name, SARA)
            settings = config.load({"LINK_FOLDER": str(folder / machine)}, {})
            self.links[name] = Link(reactor, settings, answers, "database", lines)
            self._answers.append(answers)
        self.wires.settle()
        for link in self.links.values():
            link.startService()
        self.carried: list[tuple[str, str]] = []

    async def carry(self, work: Any) -> Any:
        """What comes of it, while words are carried."""
        done: list[Any] = []
        ensureDeferred(work).addBoth(done.append)
        while not done:
            for ends, line in self.wires.lines.items():
                while line:
                    if decode(line[0]).kind == LINE:
                        self.carried.append(ends)
                    self.wires.deliver(*ends)
            await turn()
        return done[0]

    async def close(self) -> None:
        for answers in self._answers:
            answers.stop()
        for link in self.links.values():
            await self.carry(link.stopService())


@pytest.fixture
def country(tmp_path: Path) -> Iterator[Country]:
    country = Country(tmp_path)
    yield country
    pytest_twisted.blockon(ensureDeferred(country.close()))


@pytest_twisted.ensureDeferred
async def test_those_of_this_machine_are_asked_on_their_sockets_and_others_over_the_wire(country: Country) -> None:
    streams = await country.carry(country.links["a"].others.streams(SARA))
    assert sorted(each["messageId"] for each in streams) == ["b", "c"]
    assert set(country.carried) == {("a", "c"), ("c", "a")}


@pytest_twisted.ensureDeferred
async def test_who_leaves_lets_nobody_in_by_either_way(country: Country) -> None:
    await country.carry(country.links["b"].leave())
    await country.carry(country.links["c"].leave())
    assert await country.carry(country.links["a"].others.streams(SARA)) == []
    assert country.links["b"].others.alone
