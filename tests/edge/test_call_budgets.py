"""What each hot path costs, in Python calls rather than in seconds. The budgets may only be lowered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone
from twisted.logger import capturedLogs

from tests.support.application import Application, Open, masked
from tests.support.calls import calls_of
from tests.support.memory import MemoryTransport
from yekta.app.dispatcher import Event

# One echo, from bytes to bytes; two of the calls are the test transport's.
NATIVE_ECHO, SOCKETIO_ECHO = 13, 17

# An echo to a browser, whose events are kept for its recovery.
RECOVERABLE_ECHO = 22

# One of many events to the same client, without its share of what comes before and after all of them.
NATIVE_EVENT, SOCKETIO_EVENT = 2, 3

# One recipient of a broadcast; two of the calls are the test transport's.
NATIVE_RECIPIENT, SOCKETIO_RECIPIENT = 9, 10

# To come in, be welcomed and leave; without the calls of the test's clock and transport.
NATIVE_VISIT, SOCKETIO_VISIT = 87, 181
# What more that is where a proxy says where the client is.
BEHIND_A_PROXY = 10

EVENTS, RECIPIENTS = 200, 100

_BROWSER = {"user-agent": "Mozilla/5.0"}
_ECHO = {"native": '{"event":"echo","data":"Hello World"}', "socketio": '42["echo","Hello World"]'}
_STREAM = {"native": '{"event":"stream"}', "socketio": '42["stream"]'}


def cost(application: Application, act: Callable[[], Any]) -> Counter[str]:
    """The calls of ``act``, which logs nothing and makes no Deferred and no timer."""
    timers = len(application.clock.getDelayedCalls())
    with capturedLogs() as logged:
        calls = calls_of(act)
    assert not logged
    assert not [name for name in calls if "Deferred" in name or ".logger." in name]
    assert len(application.clock.getDelayedCalls()) == timers
    return calls


def opened(application: Application, protocol: str) -> Open:
    client = application.native() if protocol == "native" else application.socketio()
    client.say(_ECHO[protocol])
    return client


@pytest.mark.parametrize(("protocol", "most"), [("native", NATIVE_ECHO), ("socketio", SOCKETIO_ECHO)])
def test_an_echo(application: Application, protocol: str, most: int) -> None:
    client, frame = opened(application, protocol), masked(_ECHO[protocol])
    first = cost(application, lambda: client.receive(frame))
    assert b"Hello World" in client.transport.value()
    assert first.total() <= most, first
    for _ in range(1000):
        client.receive(frame)
    assert cost(application, lambda: client.receive(frame)) == first


def test_an_echo_to_a_client_that_may_be_recovered(application: Application) -> None:
    client, frame = application.socketio(_BROWSER), masked(_ECHO["socketio"])
    client.receive(frame)
    calls = cost(application, lambda: client.receive(frame))
    assert calls.total() <= RECOVERABLE_ECHO, calls


@pytest.mark.parametrize(("protocol", "most"), [("native", NATIVE_EVENT), ("socketio", SOCKETIO_EVENT)])
def test_one_of_many_events(application: Application, protocol: str, most: int) -> None:
    def stream(peer: Any, data: Any, reply: Any) -> None:
        for number in range(EVENTS):
            peer.emit("chunk", {"seq": number, "chunk": "a few words "})

    application.dispatcher.events = {**application.dispatcher.events, "stream": Event(stream)}
    application.dispatcher.counts["stream"] = 0
    client = opened(application, protocol)
    client.transport.clear()
    calls = cost(application, lambda: client.receive(masked(_STREAM[protocol])))
    assert client.transport.value().count(b"a few words ") == EVENTS
    assert calls.total() <= EVENTS * most + SOCKETIO_ECHO, calls


@pytest.mark.parametrize(("protocol", "most"), [("native", NATIVE_VISIT), ("socketio", SOCKETIO_VISIT)])
@pytest.mark.parametrize("proxied", [False, True], ids=["directly", "through a proxy"])
def test_coming_and_going(application: Application, proxied: bool, protocol: str, most: int) -> None:
    addresses = (f"203.0.113.{number}" for number in range(3))

    def visitor() -> tuple[MemoryTransport, list[bytes]]:
        return application.visitor(protocol, **({"X-Forwarded-For": next(addresses)} if proxied else {}))

    def visit(transport: MemoryTransport, chunks: list[bytes]) -> None:
        for chunk in chunks:
            transport.receive(chunk)
        application.clock.advance(0)

    def ours() -> Counter[str]:
        transport, chunks = visitor()
        calls = calls_of(lambda: visit(transport, chunks))
        assert b"connected" in b"".join(transport.writes)
        assert transport.lost is ConnectionDone
        return Counter({name: count for name, count in calls.items() if name.startswith(("yekta.", "autobahn."))})

    visit(*visitor())
    # Once in a while, a visit takes the last of the ids that are at hand, and more are made.
    calls = min(ours(), ours(), key=Counter.total)
    assert application.hub.departures.total() == 3
    assert calls.total() <= most + (BEHIND_A_PROXY if proxied else 0), (calls.total(), calls)


@pytest.mark.parametrize(("protocol", "most"), [("native", NATIVE_RECIPIENT), ("socketio", SOCKETIO_RECIPIENT)])
def test_one_recipient_of_a_broadcast(application: Application, protocol: str, most: int) -> None:
    clients = [opened(application, protocol) for _ in range(RECIPIENTS)]
    for client in clients:
        client.transport.clear()
    adapter = application.server.sockets.adapter
    for member in list(adapter.rooms.everybody()):
        adapter.add(member, ["room"])
    calls = calls_of(lambda: application.hub.emit("room", "news", {"a": 1}))
    flushed = calls_of(lambda: application.clock.advance(0))
    assert all(client.transport.value().count(b"news") == 1 for client in clients)
    # Beside the recipients': the event is written once, and one timer flushes them all.
    assert calls.total() + flushed.total() <= RECIPIENTS * most + 60, calls + flushed
