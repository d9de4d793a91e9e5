from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.engines import Gateway


@pytest.fixture
def start() -> Iterator[Callable[..., Gateway]]:
    """Makes gateways, and ends them with the test."""
    gateways: list[Gateway] = []

    def start(*args: object, **settings: object) -> Gateway:
        gateways.append(Gateway(*args, **settings))  # type: ignore[arg-type]
        return gateways[-1]

    yield start
    for gateway in gateways:
        gateway.end()


@pytest.fixture
def gateway(start: Callable[..., Gateway]) -> Gateway:
    """One with default settings."""
    return start()
