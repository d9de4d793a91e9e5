"""The connection as its user sees it: messages, closing, keep-alive. Every timer is a Clock's."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.task import Clock

from tests.support.websockets import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Recorder,
    client_frame,
    connect,
)
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.frame import TEXT as TEXT_FRAME
from yekta.websocket.frame import frame
from yekta.websocket.incoming import MOST_PARTS
from yekta.websocket.limits import Limits


def make(clock: Clock, **limits: Any) -> WebSocketFactory:
    return WebSocketFactory(clock, Limits(**limits))


def test_messages_go_both_ways(clock: Clock) -> None:
    recorder, client = connect(make(clock), clock)
    client.send_text("سلام")
    client.send_binary(b"\x00\xff")
    recorder.websocket.send_text("یک")
    recorder.websocket.send_binary(b"\x01")
    recorder.websocket.send_frame(frame(TEXT_FRAME, b"two"))
    assert recorder.told == [("opened",), ("text", "سلام"), ("binary", b"\x00\xff")]
    assert client.frames() == [(TEXT, "یک".encode()), (BINARY, b"\x01"), (TEXT, b"two")]
    client.transport.lose()


def test_the_receiver_may_be_replaced_between_two_messages_of_one_chunk(clock: Clock) -> None:
    second = Recorder()

    def replace(first: Recorder, data: str) -> None:
        first.websocket.receiver = second

    first, client = connect(make(clock), clock, Recorder(replace))
    client.send(client_frame(TEXT, b"a") + client_frame(TEXT, b"b"))
    client.transport.lose()
    assert first.told == [("opened",), ("text", "a")]
    assert second.told == [("text", "b"), ("lost", 1006, "")]


def test_a_ping_is_answered_with_its_payload(clock: Clock) -> None:
    _, client = connect(make(clock), clock)
    client.send(client_frame(PING, b"data"))
    assert client.frames() == [(PONG, b"data")]
    client.transport.lose()


def test_replies_to_one_chunk_leave_in_one_write(clock: Clock) -> None:
    _, client = connect(make(clock), clock, Recorder(lambda it, text: it.websocket.send_text(text)))
    before = len(client.transport.writes)
    client.send(b"".join(client_frame(TEXT, b"%d" % number) for number in range(100)))
    assert client.texts() == [str(number) for number in range(100)]
    assert len(client.transport.writes) == before + 1
    client.send_text("alone")
    assert len(client.transport.writes) == before + 2
    client.transport.lose()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_frame_that_drips_in_takes_little_more_than_its_length(clock: Clock, size: int) -> None:
    recorder, client = connect(make(clock), clock)
    drips = client_frame(TEXT, b"some words " * 5000)
    client.send(drips[:1000])
    for start in range(1000, len(drips) - 1, size):
        client.send(drips[start : min(start + size, len(drips) - 1)])
    parts = client.transport.protocol._parts
    assert sum(map(sys.getsizeof, (parts, *parts))) < 2 * len(drips)
    # What is here is not copied for each that comes.
    assert max(map(len, parts)) <= 1000 + MOST_PARTS * size
    client.send(drips[-1:])
    assert client.transport.protocol._parts == []
    client.send_text("next")
    assert recorder.told == [("opened",), ("text", "some words " * 5000), ("text", "next")]
    client.transport.lose()


# -- closing -----------------------------------------------------------------------------------------------


def test_a_client_that_closes_gets_its_answer_and_is_told_of(clock: Clock) -> None:
    recorder, client = connect(make(clock), clock)
    client.send_close(4000, "bye")
    assert [opcode for opcode, _ in client.frames()] == [CLOSE]
    clock.advance(0)
    assert client.transport.lost is ConnectionDone
    assert recorder.told[1:] == [("lost", 4000, "bye")]


@pytest.mark.parametrize("size", [1, 6], ids=["byte by byte", "at once"])
def test_a_close_without_code_is_1005(clock: Clock, size: int) -> None:
    recorder, client = connect(make(clock), clock)
    said = client_frame(CLOSE)
    for start in range(0, len(said), size):
        client.send(said[start : start + size])
    clock.advance(0)
    assert recorder.told[1:] == [("lost", 1005, "")]


def test_a_client_that_vanishes_is_1006(clock: Clock) -> None:
    recorder, client = connect(make(clock), clock)
    client.transport.lose()
    assert recorder.told[1:] == [("lost", 1006, "")]


def test_our_close_waits_for_the_client_s(clock: Clock) -> None:
    recorder, client = connect(make(clock), clock)
    recorder.websocket.close(4401, "logged out")
    assert client.close() == (4401, "logged out")
    assert not client.transport.disconnecting
    client.send_close(4401)
    clock.advance(0)
    assert client.transport.lost
    assert recorder.told[1:] == [("lost", 4401, "")]


def test_a_client_that_does_not_answer_our_close_is_cut(clock: Clock) -> None:
    recorder, client = connect(make(clock, close_timeout=5.0), clock)
    recorder.websocket.close(1000)
    clock.advance(4.9)
    # Who closes twice does not wait longer.
    recorder.websocket.close(1000)
    assert not client.transport.disconnecting
    clock.advance(0.1)
    clock.advance(0)
    assert client.transport.lost is ConnectionAborted
    assert recorder.told[1:] == [("lost", 1006, "")]


@pytest.mark.parametrize("chunks", [1, 3], ids=["in one chunk", "one by one"])
def test_after_our_close_nothing_more_is_delivered_or_sent(clock: Clock, chunks: int) -> None:
    def close(recorder: Recorder, data: str) -> None:
        recorder.websocket.send_text("last")
        recorder.websocket.close(4401, "logged out")
        recorder.websocket.send_text("too late")

    recorder, client = connect(make(clock), clock, Recorder(close))
    frames = [client_frame(TEXT, b"a"), client_frame(TEXT, b"b"), client_frame(BINARY, b"c")]
    for chunk in frames if chunks == 3 else [b"".join(frames)]:
        client.send(chunk)
    assert recorder.messages() == ["a"]
    assert [opcode for opcode, _ in client.frames()] == [TEXT, CLOSE]
    assert client.texts() == ["last"]
    client.transport.lose()


@pytest.mark.parametrize("reason", ["س" * 61, "س" * 62, "a" + "س" * 61, "\U0001f600" * 31])
def test_a_long_reason_is_cut_between_two_characters(clock: Clock, reason: str) -> None:
    recorder, client = connect(make(clock), clock)
    recorder.websocket.close(4000, reason)
    close = client.close()
    assert close is not None
    assert 120 <= len(close[1].encode()) <= 123
    assert reason.startswith(close[1])
    client.transport.lose()


def test_an_abort_cuts_at_once_and_says_why(clock: Clock) -> None:
    recorder, client = connect(make(clock), clock)
    recorder.websocket.abort("no patience")
    assert client.transport.aborted
    recorder.websocket.send_text("too late")
    recorder.websocket.close(1000)
    clock.advance(0)
    assert recorder.told[1:] == [("lost", 1006, "no patience")]
    assert client.frames() == []


def test_an_abort_while_a_chunk_is_handled_ends_it(clock: Clock) -> None:
    recorder, client = connect(make(clock), clock, Recorder(lambda it, text: it.websocket.abort("enough")))
    client.send(client_frame(TEXT, b"a") * 3)
    clock.advance(0)
    assert recorder.told == [("opened",), ("text", "a"), ("lost", 1006, "enough")]


def test_all_are_closed_once_the_last_is(clock: Clock) -> None:
    factory = make(clock)
    pairs = [connect(factory, clock) for _ in range(3)]
    assert factory.count == 3
    done: list[None] = []
    factory.all_closed().addCallback(done.append)
    for recorder, client in pairs:
        recorder.websocket.close(1001)
        assert done == []
        client.send_close(1001)
        clock.advance(0)
    assert done == [None]
    assert factory.count == 0
    factory.all_closed().addCallback(done.append)
    assert done == [None, None]


# -- keep-alive --------------------------------------------------------------------------------------------


def test_a_silent_client_is_pinged_and_one_that_stays_silent_is_cut(clock: Clock) -> None:
    recorder, client = connect(make(clock, ping_interval=25.0, ping_timeout=20.0), clock)
    clock.advance(25)
    assert client.frames() == []
    clock.advance(25)
    assert [opcode for opcode, _ in client.frames()] == [PING]
    clock.advance(19.9)
    assert not client.transport.disconnecting
    clock.advance(0.1)
    clock.advance(0)
    assert recorder.told[1:] == [("lost", 1006, "ping timeout")]


@pytest.mark.parametrize("answer", [client_frame(PONG), client_frame(TEXT, b"a")], ids=["pong", "text"])
def test_a_client_that_answers_is_kept(clock: Clock, answer: bytes) -> None:
    _, client = connect(make(clock, ping_interval=25.0, ping_timeout=20.0), clock)
    for pings in range(1, 5):
        for _ in range(200):
            clock.advance(0.5)
            if len([opcode for opcode, _ in client.frames() if opcode == PING]) == pings:
                break
        else:
            pytest.fail("no ping came")
        client.send(answer)
    assert not client.transport.disconnecting
    client.transport.lose()


def test_a_client_that_talks_is_never_pinged(clock: Clock) -> None:
    _, client = connect(make(clock, ping_interval=25.0), clock)
    for _ in range(20):
        clock.advance(10)
        client.send_text("a")
    assert client.frames() == []
    client.transport.lose()


def test_without_an_interval_nobody_is_pinged(clock: Clock) -> None:
    _, client = connect(make(clock), clock)
    assert clock.getDelayedCalls() == []
    client.transport.lose()
