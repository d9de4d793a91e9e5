"""Asking many at once, clients or servers, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from yekta.alarm import Alarm
from yekta.socketio.acks import TooManyAcks, value_of
from yekta.socketio.errors import AckTimeout
from yekta.socketio.message import Message

if TYPE_CHECKING:
    from yekta.socketio.adapter import Member


class Gathering:
    """The answers to one question, until all have come or time is up."""

    def __init__(self, clock: IReactorTime, timeout: float | None) -> None:
        self._responses: list[Any] = []
        self._stops: list[Callable[[], None]] = []
        # One more than those who are asked, until all have been.
        self._missing = 1
        self._lost = False
        self._done: Deferred[list[Any]] = Deferred(lambda _: self.abandon())
        self._patience = Alarm(clock, self._end)
        if timeout is not None:
            self._patience.set(timeout)

    def ask_all(self, members: Iterable[Member], message: Message) -> None:
        """Ask all of ``members``. Raises :class:`ValueError` where it cannot be said: then nobody was asked."""
        try:
            for member in members:
                self._ask(member, message)
        except ValueError:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Stop waiting: no answer counts any more."""
        self._patience.clear()
        for stop in self._stops:
            stop()
        self._stops.clear()

    def expect(self, answers: int, stop: Callable[[], None] | None = None) -> None:
        """Wait for so many more. ``stop`` is called when nobody waits any more."""
        self._missing += answers
        if stop is not None:
            self._stops.append(stop)

    def finish(self) -> Deferred[list[Any]]:
        """All have been asked. Fires with the responses, or fails with :class:`AckTimeout`."""
        self.skipped()
        return self._done

    def answered(self, response: Any) -> None:
        """One answer has come."""
        self._responses.append(response)
        self.skipped()

    def lost(self, answers: int = 1) -> None:
        """So many answers will never come, which makes the whole fail."""
        self._lost = True
        self.skipped(answers)

    def skipped(self, answers: int = 1) -> None:
        """Wait for so many fewer."""
        self._missing -= answers
        if not self._missing:
            self._end()

    def _ask(self, member: Member, message: Message) -> None:
        # Counted first: it may answer, or be lost, while it is being asked.
        self._missing += 1
        try:
            stop = member.ask(message, self._answered)
        except TooManyAcks:
            self.lost()
            return
        if stop is None:
            self._missing -= 1
        else:
            self._stops.append(stop)

    def _answered(self, args: list[Any] | None) -> None:
        if args is None:
            self.lost()
        else:
            self.answered(value_of(args))

    def _end(self) -> None:
        self.abandon()
        if self._done.called:
            return
        if self._lost or self._missing:
            self._done.errback(AckTimeout(self._responses))
        else:
            self._done.callback(self._responses)
