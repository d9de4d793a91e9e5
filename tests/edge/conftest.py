"""The application behind its two doors, in memory; it must be empty afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.application import Application


@pytest.fixture
def application() -> Iterator[Application]:
    application = Application()
    yield application
    application.close()
