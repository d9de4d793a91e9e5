"""Requests that take their time: each counts as a connection of its session, and ends with it."""

from __future__ import annotations

from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred

from yekta.app.sessions import Session, Sessions
from yekta.edge.login import INVALID_TOKEN, NotAuthenticated

Value = TypeVar("Value")


class SessionRequests:
    """All of them, by their sessions' ids."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._awaited: dict[str, set[Deferred[Any]]] = {}
        sessions.on_ended(self._session_ended)

    async def wait(self, session: Session | None, awaited: Deferred[Value]) -> Value:
        """What ``awaited`` gives. Raises `NotAuthenticated` once the session has ended, which cancels ``awaited``."""
        if session is None:
            return await awaited
        own = self._awaited.setdefault(session.id, set())
        own.add(awaited)
        self._sessions.hold(session)
        try:
            return await awaited
        except CancelledError:
            if self._awaited.get(session.id) is not own:
                raise NotAuthenticated(INVALID_TOKEN, 401) from None
            # The client has gone.
            raise
        finally:
            self._sessions.release(session)
            own.discard(awaited)
            if not own and self._awaited.get(session.id) is own:
                del self._awaited[session.id]

    def _session_ended(self, session_id: str, reason: str) -> None:
        for awaited in tuple(self._awaited.pop(session_id, ())):
            awaited.cancel()
