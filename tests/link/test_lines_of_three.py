"""What happens to one of the machines is no concern of the lines between two others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.far_town import FarTown


@pytest.fixture
def town() -> Iterator[FarTown]:
    town = FarTown("a", "b", "c")
    yield town
    town.close()


def test_who_goes_takes_no_lines_between_others_along(town: FarTown) -> None:
    town["c"].ask("m")
    town.settle()
    town.generations[0].say("half")
    reader = town["a"].ask("m")
    town.settle()
    town.kill("b")
    town.settle()
    town.generations[0].say(" and on")
    town.settle()
    assert reader.texts == {"m": "half and on"}
