"""The event stream reader: the standard's rules, its limits, and indifference to how the bytes were cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yekta.ai.sse import Event, EventStream, ProtocolError


def read(data: bytes, **limits: int) -> list[Event]:
    stream = EventStream(**limits)
    return stream.feed(data) + stream.finish()


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_end(end):
    assert read(b"data: a" + end + b"data: b" + end + end) == [Event("a\nb")]


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"data: one\n\ndata: two\n\n", [Event("one"), Event("two")]),
        (b"data:no space\n\n", [Event("no space")]),
        (b"data:  two spaces\n\n", [Event(" two spaces")]),
        (b"data\n\n", [Event("")]),
        (b"data\ndata\n\n", [Event("\n")]),
        (b"data: a:b\n\n", [Event("a:b")]),
        (b": comment\n\n:\n\ndata: x\n\n", [Event("x")]),
        (b"event: e\ndata: x\n\ndata: y\n\n", [Event("x", "e"), Event("y")]),
        (b"event: e\n\ndata: x\n\n", [Event("x")]),
        (b"id: 7\ndata: x\n\ndata: y\n\n", [Event("x", id="7"), Event("y", id="7")]),
        (b"id: 7\nid: 8\x009\ndata: x\n\n", [Event("x", id="7")]),
        (b"other: x\nDATA: x\n\n", []),
        (b"\xef\xbb\xbfdata: x\n\n\xef\xbb\xbfdata: y\n\n", [Event("x")]),
        (b"data: \xff\n\n", [Event("\N{REPLACEMENT CHARACTER}")]),
        (b"data: no end", [Event("no end")]),
        (b"data: one line end\n", [Event("one line end")]),
        (b"", []),
    ],
)
def test_fields(data, events):
    assert read(data) == events


def test_an_event_comes_with_the_chunk_that_completes_it():
    stream = EventStream()
    assert stream.feed(b"data: x\n") == []
    assert stream.feed(b"\n") == [Event("x")]


def test_a_lone_cr_completes_an_event_without_waiting_for_lf():
    stream = EventStream()
    assert stream.feed(b"data: x\r\r") == [Event("x")]
    assert stream.feed(b"\ndata: y\n\n") == [Event("y")]


@pytest.mark.parametrize(("value", "retry"), [(b"1500", 1500), (b"1.5", None), (b"-1", None), (b"9" * 5000, None)])
def test_retry(value, retry):
    stream = EventStream()
    stream.feed(b"retry: " + value + b"\n")
    assert stream.retry == retry


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_a_line_without_end_is_refused(cut):
    stream = EventStream(line_limit=1000)
    for _ in range(1000 // cut):
        assert stream.feed(b"x" * cut) == []
    with pytest.raises(ProtocolError):
        stream.feed(b"x" * cut)


def test_a_line_of_the_limit_passes_and_one_byte_more_does_not():
    assert len(read(b"data: " + b"x" * 94 + b"\n", line_limit=100)) == 1
    with pytest.raises(ProtocolError):
        read(b"data: " + b"x" * 95 + b"\n", line_limit=100)


def test_an_event_without_end_is_refused_even_if_its_lines_are_empty():
    with pytest.raises(ProtocolError):
        read(b"data\n" * 101, event_limit=100)
    assert len(read(b"data\n\n" * 101, event_limit=100)) == 101


def test_the_error_does_not_quote_the_stream():
    with pytest.raises(ProtocolError) as caught:
        read(b"data: secret\n", line_limit=5)
    assert "secret" not in str(caught.value)


@st.composite
def streams(draw) -> bytes:
    fields = ["data: سلام", "data: 🌱", "data", "event: e", "id: 1", ": c", "", "", "\ufeffdata: b"]
    lines = st.tuples(st.sampled_from(fields), st.sampled_from(["\n", "\r", "\r\n"]))
    return "".join(field + end for field, end in draw(st.lists(lines, max_size=20))).encode()


@given(streams(), st.lists(st.integers(0, 200)))
def test_any_split_gives_the_same_events(data, cuts):
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    stream = EventStream()
    events = [event for start, end in pairwise(edges) for event in stream.feed(data[start:end])]
    assert events + stream.finish() == read(data)


@given(streams() | st.binary(max_size=200))
def test_byte_by_byte_gives_the_same_events(data):
    stream = EventStream()
    events = [event for byte in data for event in stream.feed(bytes([byte]))]
    assert events + stream.finish() == read(data)
