"""A door whose answers take a coroutine: they come now or later, and not at all once the client has gone."""

from __future__ import annotations

import abc
from collections.abc import Callable

from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta.web.arrival import Arrival
from yekta.web.request import Request

_log = Logger()


class AnsweringDoor(abc.ABC):
    """See the module."""

    def expect_body(self, asked: Request) -> Callable[[bool], object] | None:
        """Nobody waits for it."""
        return None

    def serve(self, arrival: Arrival) -> None:
        """See `Door`."""
        answering = ensureDeferred(self.answer(arrival))
        if not answering.called:
            arrival.on_hang_up(answering.cancel)
        answering.addErrback(_failed)

    @abc.abstractmethod
    async def answer(self, arrival: Arrival) -> None:
        """Answer, unless it is cancelled, which it lets pass."""


def _failed(failure: Failure) -> None:
    """The client has gone; or it waits in vain, and nobody but an operator can find out why."""
    if not failure.check(CancelledError):
        _log.failure("A request was not answered", failure)
