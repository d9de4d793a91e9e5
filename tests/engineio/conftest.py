from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.engines import Gateway


@pytest.fixture(params=[True, False], ids=["short path", "twisted.web"])
def start(request: pytest.FixtureRequest) -> Iterator[Callable[..., Gateway]]:
    """Makes gateways, and ends them with the test; each test runs on the short path and without it."""
    gateways: list[Gateway] = []

    def start(*args: object, **settings: object) -> Gateway:
        gateways.append(Gateway(*args, **{"short": request.param, **settings}))  # type: ignore[arg-type]
        return gateways[-1]

    yield start
    for gateway in gateways:
        gateway.end()


@pytest.fixture
def gateway(start: Callable[..., Gateway]) -> Gateway:
    """One with default settings."""
    return start()
