"""What every adapter must do for the members of its own process, whoever else it talks to.

A test module subclasses :class:`AdapterSuite` and provides ``adapter``; see `test_adapter`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.socketio.people import Debtor, LostWhenAsked, Person, TongueTied
from yekta.socketio.adapter import Adapter, Flags, Target
from yekta.socketio.errors import AckTimeout
from yekta.socketio.message import Message

EVERYBODY = Target()
PLAIN = Flags()


def outcome(deferred: Deferred[Any]) -> Any:
    """What it fired with, the exception it failed with, or ``...``: it has not fired."""
    results: list[Any] = [...]

    def failed(failure: Failure) -> None:
        results.append(failure.value)

    deferred.addCallbacks(results.append, failed)
    return results[-1]


TARGETS = [
    (EVERYBODY, "abcd"),
    (Target(frozenset("x")), "ab"),
    (Target(frozenset("xy")), "abc"),
    (Target(frozenset(("nowhere",))), ""),
    (Target(frozenset("xy"), frozenset("y")), "a"),
    (Target(frozenset("x"), frozenset("x")), ""),
    (Target(excluded=frozenset("y")), "ad"),
    (Target(excluded=frozenset(("nowhere",))), "abcd"),
    (Target(frozenset("a")), "a"),
    (Target(excluded=frozenset("a")), "bcd"),
    (Target(frozenset("ax"), frozenset("b")), "a"),
]


class AdapterSuite:
    """``a`` is in the room x, ``b`` in x and y, ``c`` in y, ``d`` in none; each is in one of its own."""

    @pytest.fixture
    def clock(self) -> Iterator[Clock]:
        clock = Clock()
        yield clock
        assert clock.getDelayedCalls() == []

    @pytest.fixture
    def observed(self) -> list[tuple[str, ...]]:
        return []

    @pytest.fixture
    def adapter(self, clock: Clock, observed: list[tuple[str, ...]]) -> Adapter:
        """A new adapter that tells ``observed`` of its rooms."""
        raise NotImplementedError

    @pytest.fixture
    def people(self, adapter: Adapter, observed: list[tuple[str, ...]]) -> Iterator[dict[str, Person]]:
        people = {name: Person(name, adapter=adapter) for name in "abcd"}
        for name, rooms in {"a": "ax", "b": "bxy", "c": "cy", "d": "d"}.items():
            adapter.add(people[name], rooms)
        observed.clear()
        yield people
        for person in people.values():
            adapter.remove_all(person)
            assert person.asked == {}
        assert not adapter.rooms.everybody()
        assert not list(adapter.rooms)

    @pytest.mark.parametrize(("target", "reached"), TARGETS)
    def test_a_broadcast_reaches_each_member_of_its_target_once(
        self, adapter: Adapter, people: dict[str, Person], target: Target, reached: str
    ) -> None:
        adapter.broadcast(Message(["e", 1]), target, PLAIN)
        assert {name: person.told for name, person in people.items()} == {
            name: [["e", 1]] if name in reached else [] for name in people
        }

    def test_who_is_in_no_room_is_one_of_all(self, adapter: Adapter, people: dict[str, Person]) -> None:
        adapter.remove(people["d"], "d")
        adapter.broadcast(Message(["e"]), EVERYBODY, PLAIN)
        assert all(person.told == [["e"]] for person in people.values())

    @pytest.mark.parametrize(("target", "reached"), TARGETS)
    def test_fetch_tells_of_each_member_of_its_target(
        self, adapter: Adapter, people: dict[str, Person], target: Target, reached: str
    ) -> None:
        found = outcome(adapter.fetch(target, Flags(local=True)))
        assert sorted(each.id for each in found) == sorted(reached)
        assert all(each.rooms == frozenset(adapter.rooms.of(people[each.id])) for each in found)

    def test_rooms_come_and_go_with_their_members(
        self, adapter: Adapter, people: dict[str, Person], observed: list[tuple[str, ...]]
    ) -> None:
        a, b = people["a"], people["b"]
        adapter.add(a, ["new"])
        adapter.add(b, ["new"])
        adapter.add(b, ["new"])
        adapter.remove(a, "new")
        adapter.remove(a, "new")
        adapter.remove(b, "new")
        adapter.remove(b, "nowhere")
        assert observed == [
            ("create-room", "new"),
            ("join-room", "new", "a"),
            ("join-room", "new", "b"),
            ("leave-room", "new", "a"),
            ("leave-room", "new", "b"),
            ("delete-room", "new"),
        ]

    def test_who_is_removed_is_in_no_room_and_reached_no_more(
        self, adapter: Adapter, people: dict[str, Person], observed: list[tuple[str, ...]]
    ) -> None:
        adapter.remove_all(people["b"])
        adapter.remove_all(people["b"])
        assert sorted(observed) == [
            ("delete-room", "b"),
            ("leave-room", "b", "b"),
            ("leave-room", "x", "b"),
            ("leave-room", "y", "b"),
        ]
        adapter.broadcast(Message(["e"]), EVERYBODY, PLAIN)
        adapter.broadcast(Message(["e"]), Target(frozenset("bxy")), PLAIN)
        assert people["b"].told == []

    def test_a_target_joins_and_leaves_rooms_together(self, adapter: Adapter, people: dict[str, Person]) -> None:
        adapter.join(Target(frozenset("x")), PLAIN, ["n", "m"])
        assert {person.id for person in adapter.rooms.members("n")} == {"a", "b"}
        adapter.leave(Target(frozenset("n"), frozenset("y")), PLAIN, ["n", "x"])
        assert {person.id for person in adapter.rooms.members("n")} == {"b"}
        assert {person.id for person in adapter.rooms.members("m")} == {"a", "b"}

    @pytest.mark.parametrize("close", [False, True])
    def test_a_target_is_disconnected_though_its_members_vanish_meanwhile(
        self, adapter: Adapter, people: dict[str, Person], close: bool
    ) -> None:
        adapter.disconnect(Target(frozenset("xy")), PLAIN, close)
        assert [people[name].disconnects for name in "abcd"] == [[close], [close], [close], []]

    def test_a_member_that_leaves_right_after_a_broadcast_still_gets_it(
        self, adapter: Adapter, people: dict[str, Person]
    ) -> None:
        adapter.broadcast(Message(["e"]), Target(frozenset("x")), PLAIN)
        adapter.remove_all(people["a"])
        assert people["a"].told == [["e"]]

    def ask(self, adapter: Adapter, rooms: str, timeout: float | None = 5) -> Deferred[list[Any]]:
        return adapter.broadcast_with_ack(Message(["q"], id=7), Target(frozenset(rooms)), Flags(timeout=timeout))

    @pytest.mark.parametrize("timeout", [None, 5])
    def test_the_answers_to_a_broadcast_are_gathered(
        self, adapter: Adapter, people: dict[str, Person], timeout: float | None
    ) -> None:
        answers = self.ask(adapter, "x", timeout)
        people["b"].answer("B")
        assert not answers.called
        people["a"].answer("A", 2)
        assert outcome(answers) == ["B", ["A", 2]]

    def test_a_broadcast_that_reaches_nobody_has_no_answers(self, adapter: Adapter, people: dict[str, Person]) -> None:
        assert outcome(self.ask(adapter, "z")) == []

    def test_time_is_up_with_the_answers_that_came(
        self, adapter: Adapter, people: dict[str, Person], clock: Clock
    ) -> None:
        answers = self.ask(adapter, "xy")
        people["c"].answer("C")
        clock.advance(4.9)
        assert not answers.called
        clock.advance(0.1)
        error = outcome(answers)
        assert isinstance(error, AckTimeout)
        assert error.responses == ["C"]
        assert not any(person.asked for person in people.values())

    def test_who_leaves_without_an_answer_is_missing_and_not_waited_for(
        self, adapter: Adapter, people: dict[str, Person]
    ) -> None:
        answers = self.ask(adapter, "x")
        people["a"].leave()
        assert not answers.called
        people["b"].answer("B")
        error = outcome(answers)
        assert isinstance(error, AckTimeout)
        assert error.responses == ["B"]

    def test_who_cannot_be_asked_is_not_waited_for(self, adapter: Adapter, people: dict[str, Person]) -> None:
        people["a"].mute = True
        answers = self.ask(adapter, "x")
        people["b"].answer("B")
        assert outcome(answers) == ["B"]

    def test_who_is_lost_while_being_asked_is_missing_and_the_others_are_waited_for(
        self, adapter: Adapter, people: dict[str, Person]
    ) -> None:
        """A client that does not read is cut by the very event that asks it."""
        lost = [LostWhenAsked(name, adapter=adapter) for name in "123"]
        for person in lost:
            adapter.add(person, ["x"])
        answers = self.ask(adapter, "x")
        assert not answers.called
        people["a"].answer("A")
        assert not answers.called
        people["b"].answer("B")
        error = outcome(answers)
        assert isinstance(error, AckTimeout)
        assert error.responses == ["A", "B"]
        for person in lost:
            adapter.remove_all(person)

    def test_who_owes_too_many_answers_is_missing_and_the_others_are_asked(
        self, adapter: Adapter, people: dict[str, Person]
    ) -> None:
        debtors = [Debtor(name, adapter=adapter) for name in "123"]
        for person in debtors:
            adapter.add(person, ["x"])
        answers = self.ask(adapter, "x")
        people["a"].answer("A")
        people["b"].answer("B")
        error = outcome(answers)
        assert isinstance(error, AckTimeout)
        assert sorted(error.responses) == ["A", "B"]
        for person in debtors:
            adapter.remove_all(person)

    def test_what_cannot_be_said_is_asked_of_nobody(
        self, adapter: Adapter, people: dict[str, Person], clock: Clock
    ) -> None:
        tongue_tied = TongueTied("t", adapter=adapter)
        adapter.add(tongue_tied, "x")
        with pytest.raises(ValueError, match="cannot be said"):
            self.ask(adapter, "x")
        assert clock.getDelayedCalls() == []
        adapter.remove_all(tongue_tied)

    def test_gathering_can_be_cancelled(self, adapter: Adapter, people: dict[str, Person]) -> None:
        answers = self.ask(adapter, "xy")
        answers.cancel()
        outcome(answers)
        assert not any(person.asked for person in people.values())

    def test_alone_there_is_no_other_server_to_tell(self, adapter: Adapter) -> None:
        assert outcome(adapter.server_side_emit(["hello"], None)) == []
