"""The table of events itself; what each is answered is told through every door in ``tests/integration``."""

from __future__ import annotations

from twisted.internet.task import Clock

from tests.support.provider import ScriptedProvider
from tests.support.session_stores import FakeOutage
from yekta.app.answers import Answers
from yekta.app.counselor import Counselor
from yekta.app.events import Events
from yekta.app.hub import Hub
from yekta.app.schemas import Cancel, Chat, Resume
from yekta.app.sessions import Sessions
from yekta.socketio.adapter import Home, InMemoryAdapter
from yekta.timestamps import Timestamps


def test_every_event_has_its_shape() -> None:
    clock = Clock()
    hub = Hub(Sessions(FakeOutage(), clock), InMemoryAdapter(Home(clock)))
    table = Events(hub, Counselor(ScriptedProvider(), clock, Answers(clock)), Timestamps(clock)).table()
    assert {name: event.shape for name, event in table.items()} == {
        **dict.fromkeys(("ping", "status", "echo", "info", "message", "ai:streams")),
        "ai:chat": Chat,
        "ai:cancel": Cancel,
        "ai:resume": Resume,
    }
