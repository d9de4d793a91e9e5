"""A stream of server-sent events: what is written, when, and what is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.test.requesthelper import DummyRequest

from yekta.app.answers import Answers
from yekta.app.owner import Owner
from yekta.edge.sse import KEEP_ALIVE, EventStream, chunk_id, last_seq

COMMENT = b": still there\n\n"


class Request(DummyRequest):
    """One that knows of producers what twisted.web's does."""

    producer: Any = None
    channel: Any = "a connection"

    def processingFailed(self, reason: Failure) -> None:
        self.channel = None
        super().processingFailed(reason)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        assert self.producer is None
        self.producer = producer

    def unregisterProducer(self) -> None:
        assert self.channel is not None
        assert self.producer is not None
        self.producer = None


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.request = Request([b""])
        self.stream = EventStream(self.request, self.clock)

    def written(self) -> bytes:
        text, self.request.written = b"".join(self.request.written), []
        return text


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.stream.close()
    assert world.clock.getDelayedCalls() == []
    assert world.stream.following is None
    assert world.request.producer is None or world.request.channel is None


@pytest.mark.parametrize(
    ("event", "data", "written"),
    [
        ("ai:response:start", {"messageId": "m"}, 'event: start\ndata: {"messageId":"m"}\n\n'),
        (
            "ai:response:chunk",
            {"messageId": "m", "chunk": "a\nb\r\n\ndata: سلام", "seq": 3},
            'id: m:3\nevent: chunk\ndata: {"messageId":"m","chunk":"a\\nb\\r\\n\\ndata: سلام","seq":3}\n\n',
        ),
        ("ai:notice", {"text": "x"}, 'event: ai:notice\ndata: {"text":"x"}\n\n'),
    ],
)
def test_an_event_has_its_lines_and_its_data_no_line_break(world: World, event: str, data: Any, written: str) -> None:
    world.stream.send(event, data)
    assert world.written().decode() == written


@pytest.mark.parametrize("message_id", ["m", "a:b", "سلام", "a b\r\n%3A"])
def test_the_last_chunk_that_a_client_has_is_told_by_its_id(message_id: str) -> None:
    last = chunk_id(message_id, 30)
    assert last.isascii()
    assert last.isprintable()
    assert last_seq(message_id, last) == 30


@pytest.mark.parametrize("told", ["", "3", "m", "m:", "m:x", "m:-1", "m:٣", "m:²", "n:3", "m:1234567890", "m:3:"])
def test_of_any_other_id_nothing_is_known(told: str) -> None:
    assert last_seq("m", told) == -1


def test_a_stream_is_neither_stored_nor_buffered_on_its_way(world: World) -> None:
    headers = world.request.responseHeaders
    values = {name: headers.getRawHeaders(name) for name in ("content-type", "cache-control", "x-accel-buffering")}
    assert values == {
        "content-type": ["text/event-stream; charset=utf-8"],
        "cache-control": ["no-store"],
        "x-accel-buffering": ["no"],
    }


def test_silence_is_broken_by_a_comment_every_fifteen_seconds(world: World) -> None:
    assert KEEP_ALIVE == 15
    world.clock.advance(14.9)
    assert world.written() == b""
    world.clock.advance(0.1)
    assert world.written() == COMMENT
    world.clock.advance(15)
    assert world.written() == COMMENT


@pytest.mark.parametrize("event", ["ai:response:complete", "ai:response:error"])
def test_the_last_event_ends_the_stream_and_no_other(world: World, event: str) -> None:
    for other in ("ai:response:start", "ai:response:chunk", "ai:notice", "error"):
        world.stream.send(other, {})
    assert not world.stream.done.called
    world.stream.send(event, {})
    assert world.stream.done.called


def test_nothing_is_written_to_a_client_that_is_gone(world: World) -> None:
    world.request.processingFailed(Failure(ConnectionLost()))
    world.stream.send("ai:response:chunk", {})
    assert world.written() == b""


def test_a_client_that_does_not_read_is_sent_the_rest_in_one_when_it_does(world: World) -> None:
    answers = Answers(world.clock)
    answer = answers.begin("m", Owner("s"))
    world.stream.follow(answer, world.stream.send)
    assert world.stream.flowing
    world.request.producer.pauseProducing()
    assert not world.stream.flowing
    for text in "abc":
        answer.text_received(text)
    assert world.written() == b""
    world.request.producer.resumeProducing()
    data = b'{"messageId":"m","chunk":"abc","seq":2,"offset":0}'
    assert world.written() == b"id: m:2\nevent: chunk\ndata: " + data + b"\n\n"
    answers.stop()
