"""Several servers as one: all are asked, and answer."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.socketio.adapter_suite import outcome
from tests.socketio.people import Person
from tests.support.guests import Guest
from tests.support.several import Several
from yekta import msgpack
from yekta.socketio import cluster_words as words
from yekta.socketio.adapter import RemoteSocket
from yekta.socketio.cluster_adapter import PATIENCE
from yekta.socketio.cluster_words import Word
from yekta.socketio.errors import AckTimeout

# Arrays in the data of one, of which so many are more than one word may hold.
EACH = msgpack.MAX_CONTAINERS // words.MANY


class Crowded(Person):
    def describe(self) -> RemoteSocket:
        return attrs.evolve(super().describe(), data={"x": [[]] * EACH})


def test_facts_about_the_sockets_of_all(several: Several, guests: list[Guest]) -> None:
    guests[1].socket.data["name"] = "sara"
    # What cannot be said of one keeps nobody from being told of.
    guests[2].socket.data["thing"] = object()
    done = several["a"].server.fetch_sockets()
    assert not done.called
    several.settle()
    by_id: dict[str, RemoteSocket] = {each.id: each for each in outcome(done)}
    found = [by_id[guest.socket.id] for guest in guests]
    assert [each.rooms for each in found] == [frozenset((guest.socket.id, "r")) for guest in guests]
    assert [each.data for each in found] == [{}, {"name": "sara"}, {}]
    assert found[1].handshake["address"] == "192.0.2.7"
    assert found[1].handshake["auth"] == {}


def test_facts_about_more_than_one_word_may_hold(several: Several) -> None:
    adapter: Any = several["b"].server.sockets.adapter
    people = [Crowded(f"{number:04}", adapter=adapter) for number in range(words.MANY + 1)]
    for person in people:
        adapter.add(person, ["r"])
    done = several["a"].server.to("r").fetch_sockets()
    several.settle()
    found = outcome(done)
    assert sorted(each.id for each in found) == [person.id for person in people]
    assert found[0].data == {"x": [[]] * EACH}
    for person in people:
        adapter.remove_all(person)


@pytest.mark.parametrize("patience", [PATIENCE, PATIENCE / 2])
def test_who_does_not_tell_in_time_is_missed(several: Several, guests: list[Guest], patience: float) -> None:
    io = several["a"].server
    done = (io if patience == PATIENCE else io.timeout(patience)).fetch_sockets()
    several["a"].clock.advance(patience - 0.01)
    assert not done.called
    several["a"].clock.advance(0.01)
    error = outcome(done)
    assert isinstance(error, AckTimeout)
    assert [each.id for each in error.responses] == [guests[0].socket.id]


@pytest.mark.parametrize("socket", [1, b"", b"\xc1", b"\x01"])
def test_one_whose_answer_cannot_be_read_is_one_that_goes(
    several: Several, guests: list[Guest], socket: int | bytes
) -> None:
    done = several["a"].server.fetch_sockets()
    several.wires.lines["b", "a"].clear()
    several.wires.ends["b"].send("a", Word(words.FETCHED, "/", {"requestId": 1, "sockets": [socket]}))
    several.settle()
    assert several.wires.ends["a"].left == ["b"]
    assert {each.id for each in outcome(done)} == {guests[0].socket.id, guests[2].socket.id}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (words.FETCHED, {"sockets": []}),
        (words.EMITTED, {"packet": 5}),
        (words.ACK, {"packet": [5]}),
        (words.CLIENT_COUNT, {"clientCount": 1}),
        (words.GIVEN, {}),
    ],
)
@pytest.mark.parametrize("question", ["fetch", "ask", "emit"])
def test_one_that_answers_another_question_is_one_that_goes(
    several: Several, guests: list[Guest], question: str, kind: int, data: dict[str, Any]
) -> None:
    io = several["a"].server
    asked: dict[str, tuple[Any, set[int]]] = {
        "fetch": (io.fetch_sockets, {words.FETCHED}),
        "ask": (io.to("nobody").timeout(1).emit_with_ack, {words.ACK, words.CLIENT_COUNT}),
        "emit": (io.server_side_emit_with_ack, {words.EMITTED}),
    }
    ask, fitting = asked[question]
    done = ask() if question == "fetch" else ask("e")
    done.addErrback(lambda _: None)
    several.wires.lines["a", "b"].clear()
    several.wires.ends["b"].send("a", Word(kind, "/", {"requestId": 1, **data}))
    several.settle()
    assert several.wires.ends["a"].left == ([] if kind in fitting else ["b"])
    several.advance(5)


def test_one_tells_once_how_many_will_answer_however_many_that_are(several: Several, guests: list[Guest]) -> None:
    done = several["a"].server.timeout(5).emit_with_ack("q")
    count = Word(words.CLIENT_COUNT, "/", {"requestId": 1, "clientCount": 1 << 62})
    several.wires.ends["b"].send("a", count)
    several.wires.deliver("b", "a")
    assert not several.wires.ends["a"].left
    several.wires.ends["b"].send("a", count)
    several.settle()
    assert several.wires.ends["a"].left == ["b"]
    assert not done.called
    several.advance(5)
    assert isinstance(outcome(done), AckTimeout)


def test_who_asks_for_less_than_no_time_waits_for_nobody(several: Several, guests: list[Guest]) -> None:
    opts = {"rooms": [], "except": [], "flags": {"timeout": -1}}
    question = Word(words.BROADCAST, "/", {"requestId": 1, "packet": {"data": ["q"]}, "opts": opts})
    several.wires.ends["a"].send("b", question)
    several.settle()
    # A reactor refuses to call anybody in the past.
    clock = several["b"].clock
    assert min(call.getTime() for call in clock.getDelayedCalls()) >= clock.seconds()
    several.advance(0)
    (asked,) = guests[1].told()
    guests[1].browser.say(f"3{asked[1:-5]}[8]")
    assert not any(several.wires.lines.values())


def test_of_who_goes_nothing_is_told(several: Several, guests: list[Guest]) -> None:
    done = several["a"].server.fetch_sockets()
    several.wires.cut("a", "b")
    several.settle()
    assert {each.id for each in outcome(done)} == {guests[0].socket.id, guests[2].socket.id}


@pytest.mark.parametrize("asked", [False, True])
def test_who_has_lost_us_for_a_moment_answers_nothing_that_it_was_asked(
    several: Several, guests: list[Guest], asked: bool
) -> None:
    done = several["a"].server.to(guests[1].socket.id).emit_with_ack("q")
    if asked:
        several.settle()
    forgetful = several.wires.ends["b"].hearer
    forgetful.went("a")
    several.wires.lines["a", "b"].clear()
    forgetful.came("a")
    several.settle()
    assert isinstance(outcome(done), AckTimeout) if asked else outcome(done) == []
    assert several.clusters["a"].others == ("c", "b")
