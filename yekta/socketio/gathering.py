"""Asking many at once: the answers to one broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from yekta.socketio.acks import TooManyAcks, value_of
from yekta.socketio.errors import AckTimeout
from yekta.socketio.message import Message

if TYPE_CHECKING:
    from yekta.socketio.adapter import Member


class Gathering:
    """The answers to one broadcast, until all have come or time is up."""

    def __init__(self, clock: IReactorTime, timeout: float | None) -> None:
        self._responses: list[Any] = []
        self._stops: list[Callable[[], None]] = []
        # One more than those who are asked, until all have been.
        self._missing = 1
        self._lost = False
        self._done: Deferred[list[Any]] = Deferred(lambda _: self._stop())
        self._call = None if timeout is None else clock.callLater(timeout, self._time_out)

    def ask(self, member: Member, message: Message) -> None:
        """Ask one more. It may be lost, and so answer, while it is being asked."""
        self._missing += 1
        try:
            stop = member.ask(message, self._answered)
        except TooManyAcks:
            self._answered(None)
            return
        if stop is None:
            self._missing -= 1
        else:
            self._stops.append(stop)

    def abandon(self) -> None:
        """Nobody wants to know any more."""
        self._stop()

    def finish(self) -> Deferred[list[Any]]:
        """All have been asked. Fires with the responses, or fails with :class:`AckTimeout`."""
        self._missing -= 1
        if not self._missing:
            self._end()
        return self._done

    def _answered(self, args: list[Any] | None) -> None:
        self._missing -= 1
        if args is None:
            self._lost = True
        else:
            self._responses.append(value_of(args))
        if not self._missing:
            self._end()

    def _end(self) -> None:
        self._stop()
        if self._done.called:
            return
        if self._lost or self._missing:
            self._done.errback(AckTimeout(self._responses))
        else:
            self._done.callback(self._responses)

    def _time_out(self) -> None:
        self._call = None
        self._end()

    def _stop(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
        for stop in self._stops:
            stop()
        self._stops.clear()
