from __future__ import annotations

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from yekta.rooms import Joined, Rooms


@attrs.define(eq=False)
class Guest:
    id: str
    joined: Joined = None


# Anybody may join a room that is another's own.
GUESTS = "abc"
NAMES = st.sampled_from("abcwx")
STEPS = st.lists(st.tuples(st.sampled_from(("join", "leave", "remove")), st.sampled_from(GUESTS), NAMES))


@settings(max_examples=1000, deadline=None)
@given(STEPS, st.sets(NAMES), st.sets(NAMES))
def test_it_is_a_set_of_pairs_looked_up_both_ways(
    steps: list[tuple[str, str, str]], wanted: set[str], excluded: set[str]
) -> None:
    rooms: Rooms[Guest] = Rooms()
    guests = {id: Guest(id) for id in GUESTS}
    pairs: set[tuple[str, str]] = set()
    here: set[str] = set()
    for step, who, room in steps:
        guest = guests[who]
        if step == "join":
            # Nobody comes without a room of their own.
            wished = {(who, room), (who, who if who not in here else room)} - pairs
            occupied = {name for _, name in pairs}
            entered = {(name, name not in occupied) for _, name in wished}
            pairs |= wished
            here.add(who)
            told = rooms.join(guest, room)
            assert (len(told), set(told)) == (len(entered), entered)
        elif step == "leave":
            was_in, others = (who, room) in pairs, {name for other, name in pairs if other != who}
            pairs.discard((who, room))
            assert rooms.leave(guest, room) == (was_in and room not in others, was_in)
        else:
            others = {name for other, name in pairs if other != who}
            left = {(name, name not in others) for each, name in pairs if each == who}
            pairs = {(each, name) for each, name in pairs if each != who}
            here.discard(who)
            told = rooms.remove(guest)
            assert (len(told), set(told)) == (len(left), left)
        assert (guest in rooms.everybody()) == (who in here)
    assert sorted(guest.id for guest in rooms.everybody()) == sorted(here)
    assert sorted(rooms) == sorted({room for _, room in pairs})
    assert len(rooms) == len(set(rooms))
    for name in "abcwx":
        assert {guest.id for guest in rooms.members(name)} == {who for who, room in pairs if room == name}
        assert (name in rooms) == any(room == name for _, room in pairs)
    for guest in guests.values():
        assert sorted(rooms.of(guest)) == sorted({room for who, room in pairs if who == guest.id})
        assert sorted(rooms.others(guest)) == sorted({room for who, room in pairs if who == guest.id} - {guest.id})
    chosen = [guest.id for guest in rooms.select(wanted, excluded)]
    outside = {who for who, room in pairs if room in excluded}
    assert sorted(chosen) == sorted({who for who, room in pairs if room in wanted} - outside)


def test_nothing_is_left_behind_by_members_that_left() -> None:
    rooms: Rooms[Guest] = Rooms()
    ali = Guest("ali")
    for room in ("ali", "blue", *map(str, range(10))):
        rooms.join(ali, room)
    assert type(ali.joined) is set
    rooms.leave(ali, "ali")
    rooms.remove(ali)
    assert (rooms._here, rooms._members, ali.joined) == ({}, {}, None)


def test_rooms_are_left_one_by_one_however_many_there_are() -> None:
    rooms: Rooms[Guest] = Rooms()
    ali, names = Guest("ali"), [str(number) for number in range(20)]
    for name in names:
        rooms.join(ali, name)
    assert rooms.join(ali, "7") == []
    while names:
        name = names.pop()
        assert rooms.leave(ali, name) == (True, True)
        assert rooms.leave(ali, name) == (False, False)
        assert set(rooms.of(ali)) == {"ali", *names}


def test_asking_about_the_unknown_creates_nothing() -> None:
    rooms: Rooms[Guest] = Rooms()
    nobody = Guest("nobody")
    assert list(rooms.members("nowhere")) == list(rooms.of(nobody)) == list(rooms.select(["nowhere"])) == []
    assert rooms.leave(nobody, "nowhere") == rooms.leave(nobody, "nobody") == (False, False)
    assert rooms.remove(nobody) == []
    assert (rooms._here, rooms._members) == ({}, {})


def test_members_may_leave_while_they_are_visited() -> None:
    rooms: Rooms[Guest] = Rooms()
    guests = [Guest(str(number)) for number in range(5)]
    for guest in guests:
        rooms.join(guest, "blue")
    visited = []
    for guest in rooms.select(["blue"]):
        visited.append(guest.id)
        for each in guests:
            rooms.leave(each, "blue")
        rooms.join(Guest("9"), "blue")
    assert sorted(visited) == ["0", "1", "2", "3", "4"]
