"""The application that the suite is pointed at: with a patient heartbeat, and with the one that suites ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.conformance import App, serving

# Seconds, as the application is told.
PING_INTERVAL, PING_TIMEOUT = 0.3, 0.2


@pytest.fixture(scope="package")
def app() -> Iterator[App]:
    with serving("--ping-interval", "25", "--ping-timeout", "20") as app:
        yield app


@pytest.fixture(scope="package")
def quick() -> Iterator[App]:
    with serving("--ping-interval", str(PING_INTERVAL), "--ping-timeout", str(PING_TIMEOUT)) as app:
        yield app
