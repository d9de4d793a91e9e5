"""A client that does not read: we stop reading, keep a little for it, and cut it when that is not enough."""

from __future__ import annotations

import tracemalloc

import pytest
from twisted.internet.error import ConnectionAborted
from twisted.internet.task import Clock

from tests.support.websockets import BINARY, CLOSE, TEXT, Recorder, client_frame, close_payload, connect
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.limits import Limits
from yekta.websocket.outgoing import OVERHEAD

MAX_QUEUED = 1000


@pytest.fixture
def factory(clock: Clock) -> WebSocketFactory:
    return WebSocketFactory(clock, Limits(max_queued=MAX_QUEUED, close_timeout=5.0))


def test_reading_stops_until_the_client_has_caught_up(clock: Clock, factory: WebSocketFactory) -> None:
    recorder, client = connect(factory, clock)
    client.transport.congest()
    assert not recorder.websocket.writable
    assert not client.transport.reading
    client.send_text("waits")
    assert recorder.messages() == []
    client.transport.relieve()
    clock.advance(0)
    assert recorder.websocket.writable
    assert client.transport.reading
    assert recorder.told == [("opened",), ("drained",), ("text", "waits")]
    client.transport.lose()


def test_what_arrived_in_the_same_chunk_waits_too(clock: Clock, factory: WebSocketFactory) -> None:
    recorder, client = connect(factory, clock, Recorder(lambda it, text: it.websocket.send_text(text)))
    client.transport.congest()
    client.transport.protocol.dataReceived(client_frame(TEXT, b"a") + client_frame(TEXT, b"b", fin=False))
    assert recorder.messages() == []
    client.transport.relieve()
    assert recorder.messages() == ["a"]
    assert client.texts() == ["a"]
    client.transport.lose()


def test_what_is_sent_meanwhile_waits_and_leaves_in_order_in_one_write(
    clock: Clock, factory: WebSocketFactory
) -> None:
    recorder, client = connect(factory, clock)
    client.transport.congest()
    before = len(client.transport.writes)
    for number in range(15):
        recorder.websocket.send_text(str(number))
    assert len(client.transport.writes) == before
    client.transport.relieve()
    assert len(client.transport.writes) == before + 1
    assert client.texts() == [str(number) for number in range(15)]
    recorder.websocket.send_text("after")
    assert client.texts()[-1] == "after"
    client.transport.lose()


def test_a_client_that_fills_the_queue_is_cut_as_a_slow_consumer(clock: Clock, factory: WebSocketFactory) -> None:
    recorder, client = connect(factory, clock)
    client.transport.congest()
    for _ in range(MAX_QUEUED // 100):
        recorder.websocket.send_text("a" * (98 - OVERHEAD))
    assert not client.transport.disconnecting
    recorder.websocket.send_text("")
    assert client.transport.aborted
    clock.advance(0)
    assert recorder.told[1:] == [("lost", 1006, "slow consumer")]
    assert client.texts() == []


def test_what_waits_takes_what_is_counted(clock: Clock) -> None:
    recorder, client = connect(WebSocketFactory(clock, Limits(max_queued=100_000)), clock)
    client.transport.congest()
    tracemalloc.start()
    try:
        while not client.transport.aborted:
            taken = tracemalloc.get_traced_memory()[0]
            recorder.websocket.send_text("a")
    finally:
        tracemalloc.stop()
    assert 50_000 < taken < 130_000


def test_the_queue_is_counted_anew_after_it_has_left(clock: Clock, factory: WebSocketFactory) -> None:
    recorder, client = connect(factory, clock)
    for _ in range(3):
        client.transport.congest()
        recorder.websocket.send_text("a" * 900)
        client.transport.relieve()
    assert client.texts() == ["a" * 900] * 3
    client.transport.lose()


def test_a_corked_reply_that_does_not_fit_cuts_too(clock: Clock, factory: WebSocketFactory) -> None:
    def congest_and_reply(recorder: Recorder, text: str) -> None:
        client.transport.congest()
        recorder.websocket.send_text("a" * MAX_QUEUED)

    recorder, client = connect(factory, clock, Recorder(congest_and_reply))
    client.send(client_frame(TEXT, b"a"))
    clock.advance(0)
    assert recorder.told[1:] == [("text", "a"), ("lost", 1006, "slow consumer")]


@pytest.mark.parametrize(
    "then",
    [b"", client_frame(BINARY, b"after"), client_frame(TEXT, b"5" * 200)[:-1]],
    ids=["and no more", "and then bytes", "and a part of one more"],
)
def test_who_asks_for_much_in_one_chunk_has_each_answer_in_its_order(
    clock: Clock, factory: WebSocketFactory, then: bytes
) -> None:
    """It cannot read while we handle what has come, and what it is told then is no sign that it does not."""

    def reply(recorder: Recorder, said: str | bytes) -> None:
        if isinstance(said, bytes):
            return
        recorder.websocket.send_text(said * MAX_QUEUED)
        client.transport.full = True
        recorder.websocket.send_binary(b"")
        recorder.websocket.flush()  # type: ignore[attr-defined]

    recorder, client = connect(factory, clock, Recorder(reply))
    numbers: list[str | bytes] = [str(number) for number in range(5)]
    client.send(b"".join(client_frame(TEXT, b"%d" % number) for number in range(5)) + then)
    for number in range(5):
        assert recorder.messages() == numbers[: number + 1]
        client.transport.full = False
        client.transport.relieve()
        clock.advance(0)
    assert client.texts() == [str(number) * MAX_QUEUED for number in range(5)]
    assert recorder.messages() == [*numbers, *([b"after"] if then[:1] == b"\x82" else [])]
    client.transport.lose()


def test_a_client_that_stops_reading_while_a_chunk_is_handled_is_kept_as_much_for(
    clock: Clock, factory: WebSocketFactory
) -> None:
    def congest_and_reply(recorder: Recorder, text: str) -> None:
        recorder.websocket.send_binary(b"a")
        client.transport.congest()
        recorder.websocket.send_text("b" * (MAX_QUEUED // 2))

    _, client = connect(factory, clock, Recorder(congest_and_reply))
    client.send_text("?")
    client.transport.relieve()
    assert client.frames() == [(BINARY, b"a"), (TEXT, b"b" * (MAX_QUEUED // 2))]
    client.transport.lose()


def test_a_transport_that_pauses_again_while_the_queue_leaves_stays_paused(
    clock: Clock, factory: WebSocketFactory
) -> None:
    recorder, client = connect(factory, clock)
    client.transport.congest()
    recorder.websocket.send_text("a")
    client.transport.full = True
    client.transport.relieve()
    assert not recorder.websocket.writable
    assert not client.transport.reading
    assert ("drained",) not in recorder.told
    client.transport.lose()


def test_a_close_waits_in_order_and_reading_goes_on_for_the_answer(clock: Clock, factory: WebSocketFactory) -> None:
    recorder, client = connect(factory, clock)
    client.transport.congest()
    recorder.websocket.send_text("last")
    recorder.websocket.close(4000)
    assert client.frames() == []
    assert client.transport.reading
    client.transport.relieve()
    assert [opcode for opcode, _ in client.frames()] == [TEXT, CLOSE]
    client.send_close(4000)
    clock.advance(0)
    assert recorder.told[1:] == [("lost", 4000, "")]


def test_a_client_that_stops_reading_after_our_close_is_read_for_its_answer(
    clock: Clock, factory: WebSocketFactory
) -> None:
    recorder, client = connect(factory, clock)
    recorder.websocket.close(4000)
    client.transport.congest()
    assert client.transport.reading
    client.send_close(4000)
    clock.advance(0)
    assert recorder.told[1:] == [("lost", 4000, "")]


def test_a_close_that_nobody_reads_ends_in_a_cut(clock: Clock, factory: WebSocketFactory) -> None:
    recorder, client = connect(factory, clock)
    client.transport.congest()
    recorder.websocket.close(4000)
    clock.advance(5)
    clock.advance(0)
    assert client.transport.lost is ConnectionAborted
    assert recorder.told[1:] == [("lost", 1006, "")]


def test_a_violation_while_our_close_waits_cuts_at_once(clock: Clock, factory: WebSocketFactory) -> None:
    recorder, client = connect(factory, clock)
    client.transport.congest()
    recorder.websocket.close(4000)
    client.send(client_frame(TEXT, b"a", mask=None))
    clock.advance(0)
    assert client.transport.lost is ConnectionAborted


def test_a_close_that_finds_the_queue_full_cuts_and_is_told_once_whatever_came_along(
    clock: Clock, factory: WebSocketFactory
) -> None:
    def fill_and_close(recorder: Recorder, text: str) -> None:
        client.transport.congest()
        recorder.websocket.send_text("a" * (MAX_QUEUED - 4 - OVERHEAD))
        assert not client.transport.aborted
        recorder.websocket.close(4000)

    recorder, client = connect(factory, clock, Recorder(fill_and_close))
    client.send(client_frame(TEXT, b"?") + client_frame(CLOSE, close_payload(1000)))
    clock.advance(0)
    assert client.transport.lost is ConnectionAborted
    assert recorder.told[1:] == [("text", "?"), ("lost", 1006, "slow consumer")]
