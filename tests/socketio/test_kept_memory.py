"""What a history says that its events take is what they take."""

from __future__ import annotations

import tracemalloc

import pytest
from twisted.internet.task import Clock

from yekta.socketio.adapter import Target
from yekta.socketio.message import Message
from yekta.socketio.recovery import History, Settings

EVENTS = 500


def test_events_take_no_more_than_is_counted() -> None:
    history = History(Clock(), Settings())
    history.expect("sid")
    target = Target(frozenset(["room"]))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(EVENTS):
            history.write_alone(("news", {"number": number}), "sid")
            history.record_alone(Message(["news", {"number": number}]), "sid")
            history.record(Message(["news", {"number": number}]), target)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert history.size > 3 * EVENTS * 256
    assert taken <= history.size


@pytest.mark.parametrize("rooms", [1, 4, 100])
def test_the_rooms_that_an_event_is_for_count_as_well(rooms: int) -> None:
    history = History(Clock(), Settings())
    history.expect("sid")
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(EVENTS):
            names = [frozenset(f"{kind}:{number}:{room:032}" for room in range(rooms)) for kind in ("user", "session")]
            history.record(Message(["news", {"number": number}]), Target(*names))
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken <= 1.25 * history.size
