"""A session store in memory that counts what it is asked, and can be slow or down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import attrs
from twisted.internet.defer import Deferred

from yekta.app.session_store import Ended, MemorySessionStore, NewSession, Session, StoreUnavailable


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
