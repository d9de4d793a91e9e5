"""No test of a folder may log a failure that it does not expect.

    from tests.support.failures import logged        # the fixture, in the `__all__` of the folder's conftest
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Failure]]:
    """The failures that were logged. A test that expects some takes them out."""
    failures: list[Failure] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if "log_failure" in event:
            failures.append(event["log_failure"])

    globalLogPublisher.addObserver(observe)
    yield failures
    globalLogPublisher.removeObserver(observe)
    assert failures == []
