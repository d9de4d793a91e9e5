from __future__ import annotations

import base64
import tracemalloc
from typing import Any

import pytest

from yekta import msgpack
from yekta.redis.entries import MAX_DATA, number_of, read, seconds_of, written
from yekta.socketio.cluster_words import Unreadable, Word


def test_a_word_is_json_where_it_can_be() -> None:
    fields = written("me", Word(3, "/n", {"packet": {"data": ["e", "é"]}}))
    data = '{"packet":{"data":["e","é"]}}'.encode()
    assert fields == (b"uid", b"me", b"nsp", b"/n", b"type", b"3", b"data", data)


def test_bytes_are_packed() -> None:
    fields = written("me", Word(3, "/", {"x": b"\x00"}), "you")
    assert fields[:6] == (b"uid", b"me", b"nsp", b"/", b"type", b"3")
    assert msgpack.decode(base64.b64decode(fields[7])) == {"x": b"\x00"}
    assert fields[8:] == (b"to", b"you")


def test_a_word_has_its_number_where_it_is_counted() -> None:
    fields = written("me", Word(3), "you", 7)
    assert fields[8:] == (b"n", b"7", b"to", b"you")


@pytest.mark.parametrize("value", [object(), float])
def test_what_cannot_be_said_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        written("me", Word(3, "/", {"x": value}))


def test_what_others_would_not_read_is_not_written() -> None:
    with pytest.raises(msgpack.NotMsgpack):
        written("me", Word(3, "/", {"x": [b"", [[]] * msgpack.MAX_CONTAINERS]}))


@pytest.mark.parametrize("value", ["x" * MAX_DATA, b"x" * (MAX_DATA * 3 // 4)])
def test_what_is_too_large_is_not_written(value: str | bytes) -> None:
    with pytest.raises(ValueError, match="too large"):
        written("me", Word(3, "/", {"x": value}))
    assert written("me", Word(3, "/", {"x": value[20:]}))


@pytest.mark.parametrize("data", [{}, {"x": 1}, {"x": b"\x01", "y": ["é"]}])
@pytest.mark.parametrize("to", ["", "you"])
def test_what_is_written_is_read(data: dict[str, Any], to: str) -> None:
    word = Word(3, "/n", data)
    assert read(written("me", word, to), "you") == ("me", 0, word)
    assert read(written("me", word, to, 9), "you") == ("me", 9, word)


@pytest.mark.parametrize(("uid", "to", "entry"), [("you", "", None), ("me", "another", ("me", 5, None))])
def test_what_is_ones_own_or_for_somebody_else_is_not_read(uid: str, to: str, entry: object) -> None:
    fields = list(written(uid, Word(3, "/", {}), to, 5))
    fields[7] = b"nothing that could be read"
    assert read(fields, "you") == entry


def test_nodes_have_no_data_where_there_is_none() -> None:
    assert read([b"uid", b"n", b"nsp", b"/", b"type", b"13"], "you") == ("n", 0, Word(13, "/", {}))


FIELDS = {"uid": "n", "nsp": "/", "type": "3", "data": "{}"}


@pytest.mark.parametrize(
    "changed",
    [
        {"uid": None},
        {"nsp": None},
        {"type": None},
        {"type": "x"},
        {"n": "x"},
        {"data": "{"},
        {"data": "[]"},
        {"data": "!"},
        {"data": "!" + base64.b64encode(msgpack.encode({})).decode()},
        {"data": base64.b64encode(msgpack.encode([])).decode()},
        {"data": base64.b64encode(b"\xc1").decode()},
    ],
)
def test_what_is_no_word_is_unreadable(changed: dict[str, str | None]) -> None:
    fields = [text.encode() for name, value in {**FIELDS, **changed}.items() if value for text in (name, value)]
    with pytest.raises(Unreadable):
        read(fields, "you")


def test_the_places_of_entries_are_numbers_in_their_order() -> None:
    ids = [b"0-0", b"0-1", b"1-0", b"1-1048575", b"2-0", b"1795834638065-3"]
    numbers = [number_of(id) for id in ids]
    assert numbers == sorted(set(numbers))


def test_when_an_entry_was_added_is_in_its_id() -> None:
    assert [seconds_of(id) for id in (b"0-0", b"1795834638065-3")] == [0.0, 1795834638.065]


def test_what_waits_takes_little_more_than_it_says() -> None:
    word = Word(3, "/", {"packet": {"data": ["news", 1]}})
    tracemalloc.start()
    try:
        waiting = [written("server", word) for _ in range(100)]
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(waiting) == 100
    assert taken < 100 * 1024
