"""Somebody who is connected, whatever the protocol. What differs between the doors is in two subclasses at the edge."""

from __future__ import annotations

import abc
from collections.abc import Collection, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta.app.budget import Budget
from yekta.app.readers import Reader
from yekta.app.sessions import Session

_log = Logger()


class Peer(Reader, abc.ABC):
    """``id`` is the contract's ``socketId``; ``token`` is kept only as its last four characters.

    ``address`` is the client's, without port; ``since``: when it came, as `Visits` measures; `None` while it
    is not here.
    """

    __slots__ = ("_budget", "_ending", "_work", "session", "since")
    protocol: str

    def __init__(self, session: Session, token: str) -> None:
        super().__init__()
        self.session = session
        self.since: float | None = None
        self._ending = token[-4:]
        self._budget: Budget | None = None
        self._work: set[Deferred[Any]] | None = None

    @property
    def masked_token(self) -> str:
        """What may be shown of the token."""
        return mask(self._ending)

    @property
    def budget(self) -> Budget:
        """How many events the peer may still send."""
        if self._budget is None:
            self._budget = Budget()
        return self._budget

    @property
    @abc.abstractmethod
    def id(self) -> str:
        """See the class."""

    @property
    @abc.abstractmethod
    def address(self) -> str:
        """See the class."""

    @property
    @abc.abstractmethod
    def transport(self) -> str:
        """``websocket`` or ``polling``."""

    @property
    @abc.abstractmethod
    def flowing(self) -> bool:
        """Whether the client keeps up with what it is sent."""

    @property
    @abc.abstractmethod
    def rooms(self) -> Collection[str]:
        """The rooms this peer is in."""

    @abc.abstractmethod
    def join(self, *rooms: str) -> None:
        """Enter ``rooms``."""

    @abc.abstractmethod
    def emit(self, event: str, data: Any) -> None:
        """Send an event. Raises :class:`ValueError` where ``data`` cannot be said in JSON."""

    @abc.abstractmethod
    def session_ended(self, reason: str) -> None:
        """The session is over: disconnect."""

    @abc.abstractmethod
    def send_away(self) -> None:
        """Disconnect, in a way that tells the client to come back."""

    @property
    def busy(self) -> bool:
        """Whether something that it asked for is on its way."""
        return bool(self.following or self._work)

    @property
    def working(self) -> int:
        """How many things that it asked for wait for something."""
        return len(self._work or ())

    def own(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work``, and cancel it when the peer leaves."""
        deferred = ensureDeferred(work)
        deferred.addErrback(_failed)
        if not deferred.called:
            running = self._work = self._work or set()
            running.add(deferred)
            deferred.addBoth(lambda _: running.discard(deferred))

    def gone(self) -> None:
        """The connection is no more. What it asked the AI goes on without it."""
        if self.following:
            self.stop_following()
        if self._work:
            for deferred in tuple(self._work):
                deferred.cancel()


def mask(token: str) -> str:
    """What may be shown of a token."""
    return "***" + token[-4:]


def _failed(failure: Failure) -> None:
    if not failure.check(CancelledError):
        _log.failure("A handler failed after it had returned", failure)
