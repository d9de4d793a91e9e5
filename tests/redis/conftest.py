from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.support.harbour import EVERYBODY, Harbour
from yekta.redis.others import STRANGERS


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


@pytest.fixture
def town() -> Iterator[Harbour]:
    town = Harbour()
    assert town.seen() == EVERYBODY
    yield town
    for number in range(len(town.listeners)):
        town.leave(number)
    assert town.clock.getDelayedCalls() == []
    assert all(set(listener.seen) <= {STRANGERS} for listener in town.listeners)
