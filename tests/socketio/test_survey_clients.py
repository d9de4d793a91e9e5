"""Several servers as one: the clients of all are asked, and acknowledge."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from twisted.internet.defer import CancelledError

from tests.socketio.adapter_suite import outcome
from tests.socketio.people import Debtor, LostWhenAsked, Person
from tests.support.guests import Guest
from tests.support.several import Several
from yekta.socketio import cluster_words as words
from yekta.socketio.cluster_words import Word
from yekta.socketio.errors import AckTimeout


@pytest.fixture
def add(several: Several) -> Iterator[Callable[[Person], None]]:
    """Puts one at ``b`` into the room ``p``."""
    adapter = several["b"].server.sockets.adapter
    people: list[Person] = []

    def add(person: Person) -> None:
        adapter.add(person, ["p"])
        people.append(person)

    yield add
    for person in people:
        adapter.remove_all(person)


def test_the_clients_of_all_are_asked(several: Several, guests: list[Guest]) -> None:
    done = several["a"].server.timeout(5).emit_with_ack("q", 1)
    several.settle()
    for number, guest in enumerate(guests):
        (asked,) = guest.told()
        assert asked.endswith('["q",1]')
        guest.browser.say(f"3{asked[1:-7]}[{number}]")
    assert not done.called
    several.settle()
    assert sorted(outcome(done)) == [0, 1, 2]


def test_one_that_does_not_answer_in_time_is_missed_wherever_it_is(several: Several, guests: list[Guest]) -> None:
    done = several["a"].server.timeout(5).emit_with_ack("q")
    several.settle()
    (asked,) = guests[1].told()
    guests[1].browser.say(f"3{asked[1:-5]}[7]")
    several.settle()
    several.advance(5)
    error = outcome(done)
    assert isinstance(error, AckTimeout)
    assert error.responses == [7]
    # Nobody waits for it any more: here, nor there.
    (asked,) = guests[2].told()
    guests[2].browser.say(f"3{asked[1:-5]}[8]")
    assert not any(several.wires.lines.values())


def test_whoever_answers_just_in_time_is_heard_wherever_it_is(several: Several, guests: list[Guest]) -> None:
    done = several["a"].server.timeout(2.5).emit_with_ack("q")
    several.settle()
    several.advance(2.499)
    for number, guest in enumerate(guests):
        (asked,) = guest.told()
        guest.browser.say(f"3{asked[1:-5]}[{number}]")
    several.settle()
    assert sorted(outcome(done)) == [0, 1, 2]


def test_a_question_that_is_not_worth_compressing_is_not_compressed_elsewhere(
    several: Several, guests: list[Guest]
) -> None:
    done = several["a"].server.compress(False).emit_with_ack("q")
    several.settle()
    assert not any(guest.browser.transport.prepared[-1].compress for guest in guests)
    done.cancel()
    several.settle()
    assert outcome(done).__class__ is CancelledError
    for guest in guests:
        guest.browser.cut()


def test_one_that_leaves_will_not_answer(several: Several, guests: list[Guest]) -> None:
    done = several["a"].server.to(guests[1].socket.id).emit_with_ack("q")
    several.settle()
    guests[1].browser.cut()
    several.settle()
    assert isinstance(outcome(done), AckTimeout)


def test_the_clients_of_a_server_that_goes_will_not_answer(several: Several, guests: list[Guest]) -> None:
    done = several["a"].server.to(guests[1].socket.id).emit_with_ack("q")
    several.settle()
    several.wires.cut("a", "b")
    assert isinstance(outcome(done), AckTimeout)


def test_who_gives_up_one_question_when_another_has_failed_is_told_no_more_of_it(
    several: Several, guests: list[Guest]
) -> None:
    ask = several["a"].server.to(guests[1].socket.id).emit_with_ack
    failing, given_up = ask("q"), ask("q")
    failing.addErrback(lambda failure: given_up.cancel())
    given_up.addErrback(lambda failure: failure.type)
    several.settle()
    several.wires.cut("a", "b")
    assert outcome(given_up) is CancelledError


def test_a_server_whose_clients_have_all_answered_may_go(several: Several, guests: list[Guest]) -> None:
    done = several["a"].server.timeout(5).emit_with_ack("q")
    several.settle()
    questions = [asked for guest in guests for asked in guest.told()]
    guests[1].browser.say(f"3{questions[1][1:-5]}[1]")
    several.settle()
    several.wires.cut("a", "b")
    for number in (0, 2):
        guests[number].browser.say(f"3{questions[number][1:-5]}[{number}]")
    several.settle()
    assert sorted(outcome(done)) == [0, 1, 2]


def test_a_question_without_a_number_is_asked_of_nobody(several: Several, guests: list[Guest]) -> None:
    opts = {"rooms": [], "except": [], "flags": {}}
    several.wires.ends["a"].send("b", Word(words.BROADCAST, "/", {"packet": {"data": ["q"]}, "opts": opts}))
    several.settle()
    assert several.wires.ends["b"].left == ["a"]
    assert guests[1].told() == []


def test_who_asked_and_went_is_not_answered(several: Several, guests: list[Guest]) -> None:
    several["a"].server.to(guests[1].socket.id).emit_with_ack("q").addErrback(lambda _: None)
    several.settle()
    several.wires.cut("a", "b")
    (asked,) = guests[1].told()
    guests[1].browser.say(f"3{asked[1:-5]}[8]")
    assert not any(several.wires.lines.values())


def test_one_that_tells_twice_is_counted_once(several: Several, guests: list[Guest]) -> None:
    done = several["a"].server.fetch_sockets()
    several.wires.deliver("a", "b")
    line = several.wires.lines["b", "a"]
    line.append(line[0])
    while line:
        several.wires.deliver("b", "a")
    several.wires.cut("a", "b")
    assert not done.called
    several.settle()
    assert {each.id for each in outcome(done)} == {guest.socket.id for guest in guests}


def test_of_several_at_one_server_each_answers_or_will_not(several: Several, add: Callable[[Person], None]) -> None:
    people = [Person("mute", mute=True), Debtor("debtor"), LostWhenAsked("lost"), Person("x"), Person("y")]
    for person in people:
        add(person)
    done = several["a"].server.to("p").emit_with_ack("q")
    several.settle()
    # Another one that goes changes nothing.
    several.wires.cut("b", "c")
    for answer, person in enumerate(people[3:]):
        assert not done.called
        person.answer(answer)
        several.settle()
    error = outcome(done)
    assert isinstance(error, AckTimeout)
    assert error.responses == [0, 1]


@pytest.mark.parametrize(
    "end",
    ["nobody is asked", "all have answered", "it took too long", "who asked is gone", "the namespace is no more"],
)
def test_nothing_is_left_of_a_question(several: Several, add: Callable[[Person], None], end: str) -> None:
    person, adapter = Person("x"), several["b"].server.sockets.adapter
    add(person)
    done = several["a"].server.to("nobody" if end == "nobody is asked" else "p").timeout(2.5).emit_with_ack("q")
    done.addErrback(lambda _: None)
    several.settle()
    if end == "all have answered":
        person.answer(1)
    elif end == "it took too long":
        several.advance(2.5)
    elif end == "who asked is gone":
        several.wires.cut("a", "b")
    elif end == "the namespace is no more":
        adapter.close()
    assert (person.asked, several["b"].clock.getDelayedCalls(), adapter._relays) == ({}, [], {})
    done.cancel()


def test_a_namespace_that_a_server_has_not_has_nobody_there(several: Several) -> None:
    io = several["a"].of("/x")
    io.emit("news")
    done = [io.fetch_sockets(), io.timeout(1).emit_with_ack("q"), io.server_side_emit_with_ack("e")]
    several.settle()
    assert [outcome(each) for each in done] == [[], [], []]
    assert [end.left for end in several.wires.ends.values()] == [[], [], []]
