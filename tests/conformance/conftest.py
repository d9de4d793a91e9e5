"""The application that the suite is pointed at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.conformance import App, serving

# Seconds, as the application is told.
PING_INTERVAL, PING_TIMEOUT = 0.3, 0.2


@pytest.fixture(scope="package")
def app() -> Iterator[App]:
    with serving("--ping-interval", str(PING_INTERVAL), "--ping-timeout", str(PING_TIMEOUT)) as app:
        yield app
