"""Acknowledgements that a client still owes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from yekta.socketio.errors import AckTimeout, Disconnected

# Told the arguments of an acknowledgement, or ``None``: the client went away.
Answered = Callable[[list[Any] | None], None]


class TooManyAcks(RuntimeError):
    """A client owes more answers than it may. Give them a time-out."""


class Acks:
    """Who waits for which answer, at most ``most``; a client that never answers must not fill our memory."""

    __slots__ = ("_clock", "_most", "_waiting")

    def __init__(self, clock: IReactorTime, most: int) -> None:
        self._clock = clock
        self._most = most
        self._waiting: dict[int, Answered] = {}

    def wait(self, number: int, timeout: float | None) -> Deferred[Any]:
        """Fires with the answer to ``number``; fails with `AckTimeout` or `Disconnected`."""
        done: Deferred[Any] = Deferred(lambda _: self.forget(number))

        def answered(args: list[Any] | None) -> None:
            if done.called:
                # Given up while the others were told of the end.
                return
            if args is None:
                done.errback(Disconnected())
            else:
                done.callback(value_of(args))

        self.call(number, answered)
        if timeout is not None:
            done.addTimeout(timeout, self._clock, lambda value, _: _time_out())
        return done

    def call(self, number: int, answered: Answered) -> None:
        """Call ``answered(args)`` with the answer to ``number``."""
        if len(self._waiting) >= self._most:
            raise TooManyAcks
        self._waiting[number] = answered

    def received(self, number: int, args: list[Any]) -> None:
        """The client answers; what nobody asked is ignored."""
        answered = self._waiting.pop(number, None)
        if answered is not None:
            answered(args)

    def forget(self, number: int) -> None:
        """Nobody waits for ``number`` any more."""
        self._waiting.pop(number, None)

    def close(self) -> None:
        """No answer will come any more."""
        waiting, self._waiting = self._waiting, {}
        for answered in waiting.values():
            answered(None)

    def __len__(self) -> int:
        return len(self._waiting)


def value_of(args: list[Any]) -> Any:
    """What an acknowledgement says: nothing, one value, or a list of several."""
    return args[0] if len(args) == 1 else args or None


def _time_out() -> None:
    raise AckTimeout
