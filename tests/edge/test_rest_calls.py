"""What a REST request costs, in Python calls rather than in seconds. The budget may only be lowered."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.web.resource import Resource

from tests.support.calls import calls_of
from tests.support.memory import HttpClient, compose
from tests.support.provider import ScriptedProvider
from yekta.app.answers import Answers
from yekta.app.counselor import Counselor
from yekta.app.database_session_store import DatabaseSessionStore
from yekta.app.sessions import Sessions
from yekta.edge.health import Vitals
from yekta.edge.rest import Rest
from yekta.edge.rest_ai import RestAi
from yekta.edge.rest_auth import RestAuth
from yekta.edge.rest_door import RestDoor
from yekta.timestamps import Timestamps
from yekta.web.forwarded import NOBODY
from yekta.web.origins import Origins
from yekta.web.site import Limits, Site

# A new session, from bytes to bytes, without the calls of Twisted and of the test's clock and transport.
ACQUIRE_SESSION = 61

# As many as come while the database is at work; the first of them is a batch by itself.
COME = 21

_ASK = compose(
    "POST", "/api/auth/acquire-session", {"User-Agent": "Mozilla/5.0", "Content-Type": "application/json"}, b"{}"
)


class SlowDatabase:
    """Writes nothing, and not at once. ``changes``: what is to fire when something is written."""

    def __init__(self) -> None:
        self.changes: list[Deferred[None]] = []

    def change(self, work: object) -> Deferred[None]:
        self.changes.append(Deferred())
        return self.changes[-1]

    def write(self) -> None:
        """All that was asked for, and whatever is asked for thereupon."""
        while self.changes:
            self.changes.pop().callback(None)


@pytest.fixture
def database() -> SlowDatabase:
    return SlowDatabase()


@pytest.fixture
def site(database: Any, clock: Clock) -> Site:
    """REST, of which only what needs a session and no more is there."""
    sessions, timestamps, nothing = Sessions(DatabaseSessionStore(database), clock), Timestamps(clock), _nothing()
    ai = RestAi(clock, sessions, Counselor(ScriptedProvider(), clock, Answers(clock)), nothing, nothing, timestamps)
    auth = RestAuth(sessions, nothing, NOBODY, None)
    rest = Rest(auth, ai, Vitals(nothing, timestamps), Origins(()), {})
    return Site(clock, Resource(), Limits(), doors=RestDoor(rest))


def _nothing() -> Any:
    return None


def test_a_new_session(site: Site, database: SlowDatabase, clock: Clock) -> None:
    clients = [HttpClient(site, clock) for _ in range(COME)]

    def come() -> None:
        for client in clients:
            client.send(_ASK)
        database.write()

    def ours() -> Counter[str]:
        calls = calls_of(come)
        assert all(client.next_answer().status == 200 for client in clients)
        return Counter({name: count for name, count in calls.items() if name.startswith("yekta.")})

    come()
    assert all(b'"token":"' in client.next_answer().body for client in clients)
    # Once in a while, somebody takes the last of the ids that are at hand, and more are made.
    calls = min(ours(), ours(), key=Counter.total)
    assert calls.total() <= COME * ACQUIRE_SESSION, (calls.total() / COME, calls)
    for client in clients:
        client.hang_up()
