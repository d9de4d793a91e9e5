"""Which sessions have live connections in this process, which may still be believed, and when they end.

Knows no token. A session ends here, in another process (the store's feed tells), or by expiring. Whatever the
number of sessions, that costs one query per poll and two delayed calls, and none while nothing is held or believed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from yekta.app.deadlines import Deadlines
from yekta.app.ended_feed import EndedFeed
from yekta.app.session_store import Session, SessionStore
from yekta.clocks import wall_clock
from yekta.lru import Lru

EXPIRED = "expired"

# Sessions remembered as ended, so that an answer on its way from the store brings none of them back: far more
# than end in the seconds for which such an answer, or a cached one, is believed.
ENDED_REMEMBERED = 50_000

_log = Logger()


class SessionWatch:
    """Counts the connections of sessions, and reports once when a session that has any comes to its end.

    ``trusted``: how many seconds what the store said of a session is believed while nothing more is heard from it.
    """

    def __init__(self, store: SessionStore, clock: IReactorTime, poll_interval: float, trusted: float) -> None:
        self._clock = clock
        self._wall = wall_clock(clock)
        self._trusted = trusted
        self._connections: dict[str, int] = {}
        self._ended: Lru[str, str] = Lru(ENDED_REMEMBERED)
        # How many have ended since then; no end that was told since then is forgotten.
        self._count, self._remembers_since = 0, -math.inf
        self._subscribers: list[Callable[[str, str], object]] = []
        self._feed = EndedFeed(store, clock, poll_interval, self.ended, self._is_of_use)
        self._deadlines = Deadlines(clock, self._due)
        # When somebody last came, or left.
        self._used_at = -math.inf
        self._is_running = False

    def start(self) -> None:
        """Begin to read the feed, as soon as something is held or believed."""
        self._is_running = True
        if self._is_of_use():
            self._feed.start()

    def stop(self) -> None:
        """Watch no more; no delayed call is left. What is held can still be released."""
        self._is_running = False
        self._feed.stop()
        self._deadlines.clear()

    def subscribe(self, callback: Callable[[str, str], object]) -> None:
        """Have ``callback(session_id, reason)`` called when a held session has ended."""
        self._subscribers.append(callback)

    def known(self) -> None:
        """A session is believed from now on, so its end must be heard of."""
        self._used_at = self._clock.seconds()
        if self._is_running:
            self._feed.start()

    def hold(self, session: Session) -> None:
        """Count a connection. A session that has ended meanwhile is reported in the reactor's next turn."""
        count = self._connections.get(session.id, 0)
        self._connections[session.id] = count + 1
        if not self.is_alive(session):
            self._deadlines.set(session.id, self._wall())
        elif count == 0:
            self._deadlines.set(session.id, session.expires_at)
            if self._is_running:
                self._feed.start()

    def release(self, session: Session) -> None:
        """Count one connection less."""
        self._connections[session.id] -= 1
        if self._connections[session.id] == 0:
            del self._connections[session.id]
            self._deadlines.discard(session.id)
            self._used_at = self._clock.seconds()

    def is_current(self, session: Session) -> bool:
        """Whether what the store said of it may still be believed. Whoever asks comes with its token.

        As long as the feed is read, it vouches for what it would have told of: for a session that is held, and for one
        whose end would still be known.
        """
        now, known_at = self._clock.seconds(), session.known_at
        self._used_at = now
        if session.id in self._connections or known_at >= max(self._feed.unbroken_since, self._remembers_since):
            known_at = max(known_at, self._feed.caught_up_at)
        return now - known_at < self._trusted and self.is_alive(session)

    def is_alive(self, session: Session) -> bool:
        """Whether the session has neither expired nor, as far as this process knows, been ended."""
        return session.expires_at > self._wall() and session.id not in self._ended

    def ended(self, session_id: str, reason: str) -> None:
        """A session has ended, here or elsewhere. Only the first word of it counts."""
        if session_id not in self._ended:
            self._remember(session_id, reason)
            self._deadlines.discard(session_id)
            self._report(session_id, reason)

    def _is_of_use(self) -> bool:
        # What nobody has come with for so long is believed only because the feed is read; without it, it is not.
        return bool(self._connections) or self._clock.seconds() - self._used_at < self._trusted

    def _remember(self, session_id: str, reason: str) -> None:
        self._ended.put(session_id, reason)
        self._count += 1
        if self._count == ENDED_REMEMBERED // 4:
            # Those since the last time are among the half that is never forgotten; of those before, some may be.
            self._count, self._remembers_since = 0, self._clock.seconds()

    def _due(self, session_id: str) -> None:
        self._report(session_id, self._ended.get(session_id) or EXPIRED)

    def _report(self, session_id: str, reason: str) -> None:
        if session_id not in self._connections:
            return
        for callback in self._subscribers:
            try:
                callback(session_id, reason)
            except Exception:
                _log.failure("A subscriber failed to hear that a session has ended.")
