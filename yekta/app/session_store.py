"""Where sessions are kept: what every store promises, and the one that keeps them in memory.

Knows tokens only by their hashes, and no clock: every time is handed in, in POSIX seconds.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Protocol

import attrs

# Seconds for which an ended session stays in the feed, and so how long a process may be cut off and catch up.
ENDED_KEPT = 3600.0


class StoreUnavailable(Exception):
    """The store cannot answer now. Says nothing about the session in question."""


@attrs.frozen
class Session:
    """One session, without its token. ``user_id`` may be ``None``; times are in POSIX seconds.

    ``known_at``: when a store was asked for it, as `Sessions` notes.
    """

    id: str
    user_id: str | None
    is_logged_in: bool
    expires_at: float
    known_at: float = attrs.field(default=-math.inf, eq=False)


@attrs.frozen
class NewSession:
    """What a store writes down when a session begins. ``metadata`` is JSON text."""

    session: Session
    token_hash: str = attrs.field(repr=False)
    created_at: float
    metadata: str = attrs.field(repr=False)


@attrs.frozen
class Ended:
    """An entry of the feed of ended sessions. ``sequence`` ascends; entries become visible in its order."""

    sequence: int
    session_id: str
    reason: str


class SessionStore(Protocol):
    """Every method raises :class:`StoreUnavailable` when the store cannot answer."""

    async def add(self, new: NewSession) -> None:
        """Keep a session. Once this returns, every process finds it."""

    async def find(self, token_hash: str) -> Session | None:
        """The session with this token, expired or not."""

    async def end(self, token_hash: str, reason: str, now: float) -> str | None:
        """Remove a session, append it to the feed, return its id; ``None`` where there is no such session."""

    async def ended_after(self, sequence: int, limit: int) -> list[Ended]:
        """The first ``limit`` entries of the feed after ``sequence``."""

    async def touch(self, session_ids: Iterable[str], now: float) -> None:
        """Note activity in these sessions."""

    async def purge(self, now: float) -> None:
        """Forget sessions that have expired, and feed entries older than :data:`ENDED_KEPT`."""


@attrs.define(eq=False)
class MemorySessionStore:
    """Sessions of one process, lost when it stops. Full at ``limit`` sessions: then none can be added."""

    limit: int = 100_000
    _by_hash: dict[str, Session] = attrs.field(factory=dict, repr=False)
    _last_activity: dict[str, float] = attrs.field(factory=dict, repr=False)
    _feed: deque[tuple[float, Ended]] = attrs.field(factory=deque, repr=False)
    _sequence: int = 0

    async def add(self, new: NewSession) -> None:
        if len(self._by_hash) >= self.limit:
            raise StoreUnavailable(f"{self.limit} sessions are kept in memory already.")
        self._by_hash[new.token_hash] = new.session
        self._last_activity[new.session.id] = new.created_at

    async def find(self, token_hash: str) -> Session | None:
        return self._by_hash.get(token_hash)

    async def end(self, token_hash: str, reason: str, now: float) -> str | None:
        session = self._by_hash.pop(token_hash, None)
        if session is None:
            return None
        del self._last_activity[session.id]
        self._sequence += 1
        self._feed.append((now, Ended(self._sequence, session.id, reason)))
        return session.id

    async def ended_after(self, sequence: int, limit: int) -> list[Ended]:
        return list(islice((ended for _, ended in self._feed if ended.sequence > sequence), limit))

    async def touch(self, session_ids: Iterable[str], now: float) -> None:
        self._last_activity.update(dict.fromkeys(self._last_activity.keys() & set(session_ids), now))

    async def purge(self, now: float) -> None:
        expired = [key for key, session in self._by_hash.items() if session.expires_at <= now]
        for key in expired:
            del self._last_activity[self._by_hash.pop(key).id]
        while self._feed and self._feed[0][0] <= now - ENDED_KEPT:
            self._feed.popleft()

    async def last_activity(self, session_id: str) -> float | None:
        """When the session was last touched; for diagnosis."""
        return self._last_activity.get(session_id)
