"""Where sessions are kept: what every store promises.

Knows tokens only by their hashes, and no clock: every time is handed in, in POSIX seconds.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Iterable
from typing import Protocol

import attrs

# Seconds for which an ended session stays in the feed, and so how long a process may be cut off and catch up.
ENDED_KEPT = 3600.0


class StoreUnavailable(Exception):
    """The store cannot answer now. Says nothing about the session in question."""


# Not frozen, as NewSession: many are made, and making one would take three times as long.
@attrs.define
class Session:
    """One session, without its token. ``user_id`` may be ``None``; ``expires_at`` is in POSIX seconds.

    ``known_at``: when a store was asked for it, as `Sessions` notes, by its process's own clock.
    """

    id: str
    user_id: str | None
    is_logged_in: bool
    expires_at: float
    known_at: float = attrs.field(default=-math.inf, eq=False)


@attrs.define
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

    def add(self, new: NewSession) -> Awaitable[None]:
        """Keep a session. Once this is over, every process finds it."""

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
