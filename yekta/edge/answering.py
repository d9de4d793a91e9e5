"""A door whose answers take a coroutine: they come now or later, and not at all once the client has gone."""

from __future__ import annotations

import abc
from collections.abc import Callable

from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.python.failure import Failure

from yekta.web.arrival import Arrival
from yekta.web.request import Request


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
        answering.addErrback(Failure.trap, CancelledError)

    @abc.abstractmethod
    async def answer(self, arrival: Arrival) -> None:
        """Answer, unless it is cancelled, which it lets pass."""
