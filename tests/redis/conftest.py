from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.failures import logged
from tests.support.harbour import EVERYBODY, Harbour
from yekta.redis.others import STRANGERS

__all__ = ["logged"]


@pytest.fixture
def town() -> Iterator[Harbour]:
    town = Harbour()
    assert town.seen() == EVERYBODY
    yield town
    for number in range(len(town.listeners)):
        town.leave(number)
    assert town.clock.getDelayedCalls() == []
    assert all(set(listener.seen) <= {STRANGERS} for listener in town.listeners)
