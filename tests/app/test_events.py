"""The table of events itself; what each is answered is told through every door in ``tests/integration``."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.internet.task import Clock

from tests.support.provider import ScriptedProvider
from tests.support.session_stores import FakeOutage
from yekta.app import about
from yekta.app.answers import Answers
from yekta.app.counselor import Counselor
from yekta.app.dispatcher import Event
from yekta.app.events import Events
from yekta.app.hub import Hub
from yekta.app.schemas import Cancel, Chat, Resume
from yekta.app.sessions import Sessions
from yekta.socketio.adapter import AdapterContext, InMemoryAdapter
from yekta.timestamps import Timestamps

CONTRACT = Path(__file__).parents[2] / "docs" / "contract.rst"


def table() -> dict[str, Event]:
    clock = Clock()
    hub = Hub(Sessions(FakeOutage(), clock), InMemoryAdapter(AdapterContext(clock)))
    return Events(hub, Counselor(ScriptedProvider(), clock, Answers(clock)), Timestamps(clock)).table()


def test_every_event_has_its_shape() -> None:
    assert {name: event.shape for name, event in table().items()} == {
        **dict.fromkeys(("ping", "status", "echo", "info", "message", "ai:streams")),
        "ai:chat": Chat,
        "ai:cancel": Cancel,
        "ai:resume": Resume,
    }


def test_the_contract_has_every_event_of_both_directions() -> None:
    text = CONTRACT.read_text()
    events = text[text.index("\nEvents\n") : text.index("\nREST\n")]
    assert re.findall(r"^   ``([\w:]+)``, ", events, re.MULTILINE) == list(table())
    assert set(about.SERVER_EVENTS) <= set(re.findall(r"``([\w:]+)``", events))
