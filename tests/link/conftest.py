from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.far_town import FarTown
from tests.support.home import Visited
from tests.support.town import Town


@pytest.fixture(params=[Town, FarTown], ids=["near", "far"])
def place(request: pytest.FixtureRequest) -> type[Town]:
    """Where the processes of a town are: on one machine, or on several."""
    place: type[Town] = request.param
    return place


@pytest.fixture
def town(place: type[Town]) -> Iterator[Town]:
    """Two processes; nothing is left of them."""
    town = place("a", "b")
    yield town
    town.close()


@pytest.fixture
def visited() -> Iterator[Visited]:
    visited = Visited()
    yield visited
    visited.answers.stop()
    visited.home.drop()
    visited.clock.advance(0)
    assert not visited.home.visitors
    assert visited.clock.getDelayedCalls() == []
