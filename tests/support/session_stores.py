"""Session stores in memory: one that keeps its promises, and one that counts what it is asked, and can be down."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from itertools import islice

import attrs
from twisted.internet.defer import Deferred

from yekta.app.session_store import ENDED_KEPT, Ended, NewSession, Session, StoreUnavailable


@attrs.define(eq=False)
class MemorySessionStore:
    """Sessions of one process, lost when it stops."""

    _by_hash: dict[str, Session] = attrs.field(factory=dict, repr=False)
    _last_activity: dict[str, float] = attrs.field(factory=dict, repr=False)
    _feed: deque[tuple[float, Ended]] = attrs.field(factory=deque, repr=False)
    _sequence: int = 0

    async def add(self, new: NewSession) -> None:
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
        """When the session was last touched."""
        return self._last_activity.get(session_id)


@attrs.define(eq=False)
class FakeOutage(MemorySessionStore):
    """``is_down``: every call fails. ``gate``: finds answer as of when they were asked, once it has fired."""

    added: list[NewSession] = attrs.field(factory=list)
    asked: Counter[str] = attrs.field(factory=Counter)
    is_down: bool = False
    gate: Deferred[None] | None = None

    async def add(self, new: NewSession) -> None:
        self._ask("add")
        self.added.append(new)
        await MemorySessionStore.add(self, new)

    async def find(self, token_hash: str) -> Session | None:
        self._ask("find")
        session = await MemorySessionStore.find(self, token_hash)
        if self.gate is not None:
            await self.gate
        return session

    async def end(self, token_hash: str, reason: str, now: float) -> str | None:
        self._ask("end")
        return await MemorySessionStore.end(self, token_hash, reason, now)

    async def ended_after(self, sequence: int, limit: int) -> list[Ended]:
        self._ask("ended_after")
        return await MemorySessionStore.ended_after(self, sequence, limit)

    async def touch(self, session_ids: Iterable[str], now: float) -> None:
        self._ask("touch")
        await MemorySessionStore.touch(self, session_ids, now)

    async def purge(self, now: float) -> None:
        self._ask("purge")
        await MemorySessionStore.purge(self, now)

    def _ask(self, what: str) -> None:
        self.asked[what] += 1
        if self.is_down:
            raise StoreUnavailable("It is down.")
