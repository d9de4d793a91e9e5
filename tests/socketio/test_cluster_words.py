"""What servers do not understand of each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.several import Several
from yekta import msgpack
from yekta.socketio import cluster_words as words
from yekta.socketio.adapter import RemoteSocket
from yekta.socketio.cluster_words import Word

OPTS = {"rooms": [], "except": [], "flags": {}}


UNREADABLE: list[Callable[[], bytes]] = [
    lambda: b"",
    lambda: b"\xc1",
    lambda: msgpack.encode([]),
    lambda: msgpack.encode({"type": "3", "nsp": "/", "data": {}}),
    lambda: msgpack.encode({"type": True, "nsp": "/", "data": {}}),
    lambda: msgpack.encode({"type": 3, "nsp": None, "data": {}}),
    lambda: msgpack.encode({"type": 3, "nsp": "/", "data": []}),
    lambda: Word(99, "/").text,
    lambda: Word(words.HELLO, "").text,
    lambda: Word(words.FETCHED, "/", {"requestId": "1"}).text,
    lambda: Word(words.BROADCAST, "/", {"seq": 1.5}).text,
    lambda: Word(words.BROADCAST, "/", {"seq": 1, "packet": {"data": [True]}, "opts": OPTS}).text,
    lambda: Word(words.BROADCAST, "/", {"seq": 1, "packet": {"data": []}, "opts": OPTS}).text,
    lambda: Word(words.BROADCAST, "/", {"seq": 1, "packet": {"data": ["e"]}, "opts": {**OPTS, "rooms": [1]}}).text,
    lambda: Word(words.BROADCAST, "/", {"seq": 1, "packet": {"data": ["disconnect"]}, "opts": OPTS}).text,
    lambda: Word(words.BROADCAST, "/", {"requestId": 1, "packet": {"data": ["e"]}}).text,
    lambda: Word(words.BROADCAST, "/", {"packet": {"data": ["e"]}, "opts": OPTS}).text,
    lambda: Word(words.BROADCAST, "/", {"seq": 1, "packet": {}, "opts": OPTS}).text,
    lambda: Word(words.JOIN, "/", {"opts": {"rooms": "r", "except": [], "flags": {}}, "rooms": []}).text,
    lambda: Word(words.LEAVE, "/", {"opts": OPTS, "rooms": None}).text,
    lambda: Word(words.DISCONNECT, "/", {"opts": {"rooms": [], "except": []}}).text,
    lambda: Word(words.FETCH, "/", {"requestId": 1}).text,
    lambda: Word(words.FETCH, "/", {"opts": OPTS}).text,
    lambda: Word(words.FETCH, "/", {"opts": OPTS, "requestId": "1"}).text,
    lambda: Word(words.FETCH, "/unknown", {"requestId": None}).text,
    lambda: Word(words.EMIT, "/", {"packet": "e"}).text,
    lambda: Word(words.EMIT, "/", {"packet": []}).text,
    lambda: Word(words.EMIT, "/", {"packet": [["e"]]}).text,
    lambda: Word(words.EMIT, "/", {"packet": ["e"], "requestId": []}).text,
    lambda: Word(words.TAKE, "/", {"requestId": 1, "pid": 1}).text,
    lambda: Word(words.TAKE, "/", {"pid": "p", "heard": {}}).text,
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_who_is_not_understood_is_left(several: Several, text: Callable[[], bytes]) -> None:
    end = several.wires.ends["b"]
    several.wires.ends["a"].send_text("b", text())
    several.settle()
    assert end.left == ["a"]
    assert several.clusters["b"].others == ("c",)


def test_who_has_not_said_hello_is_not_understood() -> None:
    several = Several("ab", settled=False)
    several.wires.lines["a", "b"].clear()
    several.wires.ends["a"].send("b", Word(words.EMIT, "/", {"packet": ["e"]}))
    several.settle()
    assert several.wires.ends["b"].left == ["a"]
    several.close()


def test_a_broadcast_carries_a_packet_as_servers_of_node_do() -> None:
    assert words.packet("/chat", ("news", 1)) == {"type": 2, "data": ("news", 1), "nsp": "/chat"}


def test_sockets_are_told_in_plain_as_servers_of_node_do_unless_they_are_many() -> None:
    sockets = [RemoteSocket(str(number), frozenset("r"), {}, {}) for number in range(words.MANY + 1)]
    in_plain = {"id": "0", "handshake": {}, "rooms": ["r"], "data": {}}
    assert words.told(sockets[: words.MANY])[0] == in_plain
    packed = words.told(sockets)[0]
    assert isinstance(packed, bytes)
    assert msgpack.decode(packed) == in_plain
