"""What is sent while a chunk is handled leaves together and in order, whatever it is and however much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tests.support.memory import MemoryTransport
from tests.support.websockets import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Recorder,
    WebSocketClient,
    client_frame,
    connect,
)
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.limits import Limits
from yekta.websocket.outgoing import GATHERED
from yekta.websocket.shared import SharedText

HALF = "h" * (GATHERED // 2 + 1)

Say = Callable[[Any], None]


@pytest.fixture
def factory(clock: Clock) -> WebSocketFactory:
    return WebSocketFactory(clock, Limits())


def answering(clock: Clock, factory: WebSocketFactory, *says: Say) -> tuple[Recorder, WebSocketClient]:
    """A WebSocket that says all of this to each message."""

    def answer(recorder: Recorder, text: str) -> None:
        for say in says:
            say(recorder.websocket)

    return connect(factory, clock, Recorder(answer))


def written(client: WebSocketClient) -> list[bytes]:
    """Write by write."""
    return client.transport.writes[1:]


def text(said: str) -> Say:
    return lambda websocket: websocket.send_text(said)


def binary(said: bytes) -> Say:
    return lambda websocket: websocket.send_binary(said)


def test_all_that_a_chunk_is_answered_leaves_in_one_write(clock: Clock, factory: WebSocketFactory) -> None:
    _, client = answering(clock, factory, text("a"), binary(b"b"), lambda websocket: websocket.sendPing(), text("c"))
    client.send(client_frame(TEXT, b"?") * 2)
    assert len(written(client)) == 1
    assert [opcode for opcode, _ in client.frames()] == [TEXT, BINARY, PING, TEXT] * 2
    client.transport.lose()


def test_what_has_no_answer_is_no_write(clock: Clock, factory: WebSocketFactory) -> None:
    _, client = answering(clock, factory)
    client.send_text("?")
    assert written(client) == []
    client.transport.lose()


def test_it_goes_at_once_where_the_transport_can(clock: Clock, factory: WebSocketFactory) -> None:
    transport, sent = MemoryTransport(clock), list[bytes]()
    transport.write_now = sent.append  # type: ignore[attr-defined]
    transport.protocol = websocket = factory.build(Recorder())
    websocket.left = lambda: None
    websocket.makeConnection(transport)
    websocket.open_at_once(b"101", b"")
    assert (sent, transport.writes) == ([b"101"], [])
    # What was cut says nothing more.
    websocket.send_text("lost")
    websocket.abort()
    clock.advance(0)
    assert sent == [b"101"]
    assert transport.lost


@pytest.mark.parametrize("says", [(text(HALF), text(HALF)), (text(HALF), binary(HALF.encode()))])
def test_much_does_not_wait_for_the_end_of_the_chunk(
    clock: Clock, factory: WebSocketFactory, says: tuple[Say, ...]
) -> None:
    counted: list[int] = []
    _, client = answering(clock, factory, *says, lambda _: counted.append(len(written(client))), text("rest"))
    client.send_text("?")
    assert counted == [1]
    assert len(written(client)) == 2
    # Nothing is left to do at the end of the turn.
    assert all(call.getTime() > clock.seconds() for call in clock.getDelayedCalls())
    assert len(client.frames()) == 3
    client.transport.lose()


def test_empty_texts_are_not_gathered_without_end(clock: Clock, factory: WebSocketFactory) -> None:
    _, client = answering(clock, factory, *[text("")] * GATHERED)
    client.send_text("?")
    assert len(written(client)) > 1
    assert len(client.frames()) == GATHERED
    client.transport.lose()


def test_what_was_gathered_before_the_chunk_leaves_with_it_and_counts(clock: Clock, factory: WebSocketFactory) -> None:
    recorder, client = answering(clock, factory, text(HALF))
    recorder.websocket.send_text(HALF)
    client.send(client_frame(TEXT, b"?") * 2)
    assert list(map(len, written(client))) == [GATHERED + 10, GATHERED // 2 + 5]
    assert client.texts() == [HALF] * 3
    client.transport.lose()


def test_what_was_cut_says_nothing_more(clock: Clock, factory: WebSocketFactory) -> None:
    def cut(websocket: Any) -> None:
        websocket.abort("enough")

    recorder, client = answering(clock, factory, text("lost"), cut, text("never"))
    client.send(client_frame(TEXT, b"?") * 2)
    clock.advance(0)
    assert written(client) == []
    assert recorder.told == [("opened",), ("text", "?"), ("lost", 1006, "enough")]


# What may be said, how, and the frame that it is.
SAYS: dict[str, tuple[Say, tuple[int, bytes]]] = {
    "short": (text("short"), (TEXT, b"short")),
    "long": (text("l" * 2000), (TEXT, b"l" * 2000)),
    "half of what is gathered": (text(HALF), (TEXT, HALF.encode())),
    "binary": (binary(b"\0\1"), (BINARY, b"\0\1")),
    "shared": (lambda websocket: websocket.send_shared(SharedText(b"shared")), (TEXT, b"shared")),
    "ping": (lambda websocket: websocket.sendPing(b"ping"), (PING, b"ping")),
    "pong": (lambda websocket: websocket.sendPong(b"pong"), (PONG, b"pong")),
    "close": (lambda websocket: websocket.close(1000), (CLOSE, b"\x03\xe8")),
}


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(sorted(SAYS)), max_size=3),
    st.lists(st.lists(st.sampled_from(sorted(SAYS)), max_size=4), max_size=4),
    st.lists(st.sampled_from(sorted(SAYS)), max_size=3),
    st.sets(st.integers(0, 12), max_size=3),
)
def test_everything_is_said_in_order_until_the_goodbye(
    before: list[str], answers: list[list[str]], after: list[str], congestions: set[int]
) -> None:
    clock, said = Clock(), list[str]()

    def say(names: list[str]) -> None:
        for name in names:
            if len(said) in congestions:
                client.transport.congest()
            SAYS[name][0](recorder.websocket)
            said.append(name)

    waiting = iter(answers)
    factory = WebSocketFactory(clock, Limits(max_queued=1 << 20))
    recorder, client = connect(factory, clock, Recorder(lambda *_: say(next(waiting))))
    say(before)
    client.send(client_frame(TEXT, b"?") * len(answers))
    client.transport.relieve()
    say(after)
    for _ in range(len(congestions) + 1):
        client.transport.relieve()
        clock.advance(0)
    goodbye = said.index("close") + 1 if "close" in said else len(said)
    assert client.frames() == [SAYS[name][1] for name in said[:goodbye]]
    client.transport.lose()
