"""Waiting for what must come: a failure shall not hang the suite."""

from __future__ import annotations

from typing import Any, TypeVar

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

Result = TypeVar("Result")

reactor: Any = _reactor

# Seconds; nothing ever waits as long when all is well.
PATIENCE = 10


def soon(deferred: Deferred[Result]) -> Deferred[Result]:
    """``deferred``, failing with `TimeoutError` where it does not fire in time."""
    return deferred.addTimeout(PATIENCE, reactor)


def turn() -> Deferred[None]:
    """Fires in the next turn of the reactor."""
    return deferLater(reactor, 0)
