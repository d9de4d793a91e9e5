"""The sessions of users: their tokens, and who may act for whom.

A token is 32 random bytes, base64url, no padding (CONTRACT "Authentication"). It is handed out once; here, as in
the store, only its SHA-256 is kept. Knows no wire and no SQL.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from yekta import jsontext
from yekta.alarm import Alarm
from yekta.app.session_store import NewSession, Session, SessionStore, StoreUnavailable
from yekta.app.session_watch import EXPIRED, SessionWatch
from yekta.app.single_flight import SingleFlight
from yekta.clocks import wall_clock
from yekta.ids import new_row_id, new_token
from yekta.lru import Lru

__all__ = [
    "EXPIRED",
    "LOGGED_OUT",
    "REPLACED",
    "InvalidSession",
    "Session",
    "Sessions",
    "StoreUnavailable",
]

# Why a session ended, besides EXPIRED.
LOGGED_OUT = "logged out"
REPLACED = "replaced by a login"

# Characters of metadata that are kept; a client decides how long its User-Agent is.
METADATA_LIMIT = 4096

# Sessions whose activity waits to be written while the store is down.
TOUCHED_LIMIT = 100_000

# Seconds without another failure after which an outage is over: under too much load some are written and some are not.
CALM = 10.0

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_log = Logger()

_UNWRITTEN = "Sessions could not be written: {reason}"


class InvalidSession(Exception):
    """The token is malformed, unknown, ended or expired. It does not say which."""


class Sessions:
    """Hands out sessions, finds them by token, and tells when one that has live connections has ended.

    ``refusals``: how many who came were not let in, by why: few words of those who look.

    All parameters but ``cache_size`` are seconds:

    - ``lifetime``: from a session's beginning to its expiry.
    - ``cache_size``: most tokens remembered: good ones, bad ones, and those that nobody has come with yet, each.
    - ``cache_time``: how long a good one is believed unheard of; longer while its end would be heard of.
    - ``refusal_time``: how long a bad one is refused without asking the store.
    - ``poll_interval``: within which the end of a session in another process is noticed.
    - ``flush_interval``: between two batches of ``last_activity_at``.
    - ``purge_interval``: between two removals of what has expired; ``first_purge``: until the first.
    """

    def __init__(
        self,
        store: SessionStore,
        clock: IReactorTime,
        *,
        lifetime: float = 30 * 86400.0,
        cache_size: int = 20_000,
        cache_time: float = 30.0,
        refusal_time: float = 5.0,
        poll_interval: float = 0.5,
        flush_interval: float = 60.0,
        purge_interval: float = 3600.0,
        first_purge: float = 60.0,
    ) -> None:
        self.refusals: Counter[str] = Counter()
        self._store = store
        self._clock = clock
        self._wall = wall_clock(clock)
        self._lifetime = lifetime
        self._refusal_time = refusal_time
        # By token hash.
        self._known: Lru[bytes, Session] = Lru(cache_size)
        # The same for those that nobody has come with yet: anybody may ask for thousands, which drive out none in use.
        self._new: Lru[bytes, Session] = Lru(cache_size)
        # Refused, and when. Never a valid token: nobody can ask for one before the store has it.
        self._refused: Lru[bytes, float] = Lru(cache_size)
        self._lookups = SingleFlight(self._look_up)
        self._watch = SessionWatch(store, clock, poll_interval, cache_time)
        # Counts a live connection of a session, for `on_ended`; every hold is followed by a release.
        self.hold, self.release = self._watch.hold, self._watch.release
        # When a new session could not be written the last time, until that outage is over.
        self._failed_at: float | None = None
        self._purged: list[Callable[[], Awaitable[None]]] = []
        self._touched: set[str] = set()
        # Notes the activity of a session by its id. Cheap enough for every message: it is written down later.
        self.touch: Callable[[str], None] = self._touched.add
        # Fires when the last flush is over.
        self._flushed: Deferred[Any] = succeed(None)
        self._flushing, self._flush_interval = self._chore(self._flush), flush_interval
        self._purging, self._first_purge = self._chore(self._purge), first_purge
        # Soon: some processes are started again more often than what has expired is removed.
        self._begin_to_purge = Alarm(clock, lambda: self._purging.start(purge_interval))

    def start(self) -> None:
        """Begin to watch the sessions that are known, and to do the periodic writes."""
        self._watch.start()
        self._flushed = self._flushing.start(self._flush_interval, now=False)
        self._begin_to_purge.set(self._first_purge)

    async def stop(self) -> None:
        """Stop, and write down what is left to write. No delayed call remains."""
        self._watch.stop()
        self._begin_to_purge.clear()
        for chore in (self._flushing, self._purging):
            if chore.running:
                chore.stop()
        # It may be in the middle: much is written a part at a time.
        await self._flushed
        await _quietly(self._flush)

    async def acquire(
        self,
        *,
        user_id: str | None = None,
        is_logged_in: bool = False,
        metadata: Mapping[str, object] | None = None,
    ) -> tuple[str, Session]:
        """A new session and its token, which nobody can read again. Raises :class:`StoreUnavailable`."""
        token = new_token()
        now, known_at = self._wall(), self._clock.seconds()
        session = Session(new_row_id(now), user_id, is_logged_in, now + self._lifetime, known_at)
        token_hash = _hash(token)
        try:
            await self._store.add(NewSession(session, token_hash.hex(), now, _metadata_text(metadata)))
        except StoreUnavailable as error:
            # An outage is logged once, not for everybody who asks.
            if self._failed_at is None:
                _log.warn(_UNWRITTEN, reason=str(error))
            self._failed_at = self._clock.seconds()
            raise
        if self._failed_at is not None and self._clock.seconds() - self._failed_at >= CALM:
            self._failed_at = None
            _log.info("Sessions are written again.")
        self._new.put(token_hash, session)
        self._watch.known()
        return token, session

    def cached(self, token: str | None) -> Session | None:
        """The session, if it can be told without waiting; ``None`` says nothing about the token."""
        return self._recall(_hash(token)) if token and _TOKEN.fullmatch(token) else None

    async def find(self, token: str) -> Session:
        """The session of a token. Raises :class:`InvalidSession` or :class:`StoreUnavailable`."""
        if not _TOKEN.fullmatch(token):
            raise InvalidSession
        token_hash = _hash(token)
        session = self._recall(token_hash)
        if session is None and not self._is_refused(token_hash):
            session = await self._lookups.get(token_hash)
        if session is None:
            raise InvalidSession
        return session

    async def end(self, token: str, reason: str = LOGGED_OUT) -> bool:
        """End a session everywhere; ``False`` where there was none. Raises :class:`StoreUnavailable`."""
        if not _TOKEN.fullmatch(token):
            return False
        token_hash = _hash(token)
        session_id = await self._store.end(token_hash.hex(), reason, self._wall())
        self._refuse(token_hash)
        if session_id is not None:
            self._watch.ended(session_id, reason)
        return session_id is not None

    def on_ended(self, callback: Callable[[str, str], object]) -> None:
        """Have ``callback(session_id, reason)`` called when a session that is held has ended or expired."""
        self._watch.subscribe(callback)

    def on_purged(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Have ``callback()`` awaited whenever what has expired was removed."""
        self._purged.append(callback)

    def _recall(self, token_hash: bytes) -> Session | None:
        session = self._known.get(token_hash) or self._come(token_hash)
        if session is None or not self._watch.is_current(session):
            return None
        return session

    def _come(self, token_hash: bytes) -> Session | None:
        """Somebody comes with a token, for the first time if it is new."""
        session = self._new.take(token_hash)
        if session is not None:
            self._known.put(token_hash, session)
        return session

    async def _look_up(self, token_hash: bytes) -> Session | None:
        asked_at = self._clock.seconds()
        session = await self._store.find(token_hash.hex())
        if session is None or not self._watch.is_alive(session):
            self._refuse(token_hash)
            return None
        session = attrs.evolve(session, known_at=asked_at)
        self._known.put(token_hash, session)
        self._watch.known()
        return session

    def _refuse(self, token_hash: bytes) -> None:
        self._known.discard(token_hash)
        self._new.discard(token_hash)
        self._refused.put(token_hash, self._clock.seconds())

    def _is_refused(self, token_hash: bytes) -> bool:
        refused_at = self._refused.get(token_hash)
        return refused_at is not None and self._clock.seconds() - refused_at < self._refusal_time

    def _chore(self, work: Callable[[], Awaitable[None]]) -> LoopingCall:
        chore = LoopingCall(_quietly, work)
        chore.clock = self._clock
        return chore

    async def _flush(self) -> None:
        touched = frozenset(self._touched)
        self._touched.clear()
        try:
            if touched:
                await self._store.touch(touched, self._wall())
        except StoreUnavailable:
            room = TOUCHED_LIMIT - len(self._touched)
            self._touched.update(islice(touched, max(room, 0)))
            raise

    async def _purge(self) -> None:
        await self._store.purge(self._wall())
        for callback in self._purged:
            await callback()


async def _quietly(work: Callable[[], Awaitable[None]]) -> None:
    """A chore that fails is tried again when its time comes; the loop must not end with it."""
    try:
        await work()
    except StoreUnavailable as error:
        _log.warn(_UNWRITTEN, reason=str(error))
    except Exception:
        _log.failure("Sessions could not be written.")


def _hash(token: str) -> bytes:
    # Kept as it is, half as long as in hexadecimal digits, which is how stores have it.
    return hashlib.sha256(token.encode()).digest()


def _metadata_text(metadata: Mapping[str, object] | None) -> str:
    """JSON; of metadata that is too long, or cannot be written as JSON, nothing is kept."""
    try:
        text = jsontext.encode(dict(metadata or {}))
    except ValueError:
        return "{}"
    return text if len(text) <= METADATA_LIMIT else "{}"
