from __future__ import annotations

import pytest

from tests.support.far_town import FarTown
from tests.support.town import Town


@pytest.fixture(params=[Town, FarTown], ids=["near", "far"])
def place(request: pytest.FixtureRequest) -> type[Town]:
    """Where the processes of a town are: on one machine, or on several."""
    place: type[Town] = request.param
    return place
