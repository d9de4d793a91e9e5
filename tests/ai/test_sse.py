"""The event stream reader: the standard's rules, its limits, and indifference to how the bytes were cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yekta.ai.sse import EventStream, ProtocolError


def read(data: bytes, **limits: int) -> list[str]:
    stream = EventStream(**limits)
    return stream.feed(data) + stream.finish()


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_end(end):
    assert read(b"data: a" + end + b"data: b" + end + end) == ["a\nb"]


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"data: one\n\ndata: two\n\n", ["one", "two"]),
        (b"data:no space\n\n", ["no space"]),
        (b"data:  two spaces\n\n", [" two spaces"]),
        (b"data\n\n", [""]),
        (b"data\ndata\n\n", ["\n"]),
        (b"data: a:b\n\n", ["a:b"]),
        (b": comment\n\n:\n\ndata: x\n\n", ["x"]),
        (b"event: e\ndata: x\n\ndata: y\n\n", ["x", "y"]),
        (b"event: e\n\ndata: x\n\n", ["x"]),
        (b"id: 7\ndata: x\n\ndata: y\n\n", ["x", "y"]),
        (b"retry: 1500\ndata: x\n\n", ["x"]),
        (b"other: x\nDATA: x\n\n", []),
        (b"\xef\xbb\xbfdata: x\n\n\xef\xbb\xbfdata: y\n\n", ["x"]),
        (b"data: \xff\n\n", ["\N{REPLACEMENT CHARACTER}"]),
        (b"data: no end", ["no end"]),
        (b"data: one line end\n", ["one line end"]),
        (b"", []),
    ],
)
def test_fields(data, events):
    assert read(data) == events


def test_an_event_comes_with_the_chunk_that_completes_it():
    stream = EventStream()
    assert stream.feed(b"data: x\n") == []
    assert stream.feed(b"\n") == ["x"]


def test_no_bytes_between_the_two_of_a_line_end_change_nothing():
    stream = EventStream()
    assert [stream.feed(part) for part in (b"data: a\r", b"", b"\ndata: b\r\n\r\n")] == [[], [], ["a\nb"]]


def test_a_lone_cr_completes_an_event_without_waiting_for_lf():
    stream = EventStream()
    assert stream.feed(b"data: x\r\r") == ["x"]
    assert stream.feed(b"\ndata: y\n\n") == ["y"]


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
