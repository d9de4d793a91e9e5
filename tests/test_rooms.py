from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yekta.rooms import Rooms

MEMBERS, NAMES = st.integers(0, 3), st.sampled_from("abcd")
STEPS = st.lists(st.tuples(st.sampled_from(("join", "leave", "add", "remove")), MEMBERS, NAMES))


@given(STEPS, st.sets(NAMES), st.sets(NAMES))
def test_it_is_a_set_of_pairs_looked_up_both_ways(
    steps: list[tuple[str, int, str]], wanted: set[str], excluded: set[str]
) -> None:
    rooms: Rooms[int] = Rooms()
    pairs: set[tuple[int, str]] = set()
    here: set[int] = set()
    for step, member, room in steps:
        was_in = (member, room) in pairs
        occupied = {name for _, name in pairs}
        others = {name for other, name in pairs if other != member}
        if step == "join":
            pairs.add((member, room))
            here.add(member)
            assert rooms.join(member, room) == (room not in occupied, not was_in)
        elif step == "leave":
            pairs.discard((member, room))
            assert rooms.leave(member, room) == (was_in and room not in others, was_in)
        elif step == "add":
            here.add(member)
            rooms.add(member)
        else:
            left = {(name, name not in others) for who, name in pairs if who == member}
            pairs = {(who, name) for who, name in pairs if who != member}
            here.discard(member)
            told = rooms.remove(member)
            assert (len(told), set(told)) == (len(left), left)
    assert set(rooms.everybody()) == here
    assert set(rooms) == {room for _, room in pairs}
    assert len(rooms) == len(set(rooms))
    for name in "abcd":
        assert set(rooms.members(name)) == {member for member, room in pairs if room == name}
        assert (name in rooms) == any(room == name for _, room in pairs)
    for who in range(4):
        assert set(rooms.of(who)) == {room for member, room in pairs if member == who}
    chosen = list(rooms.select(wanted, excluded))
    outside = {member for member, room in pairs if room in excluded}
    assert sorted(chosen) == sorted({member for member, room in pairs if room in wanted} - outside)


def test_nothing_is_left_behind_by_members_that_left() -> None:
    rooms: Rooms[str] = Rooms()
    rooms.join("ali", "blue")
    rooms.remove("ali")
    assert rooms._members == {}
    assert rooms._rooms == {}


def test_asking_about_the_unknown_creates_nothing() -> None:
    rooms: Rooms[str] = Rooms()
    assert list(rooms.members("nowhere")) == list(rooms.of("nobody")) == list(rooms.select(["nowhere"])) == []
    assert rooms.leave("nobody", "nowhere") == (False, False)
    assert rooms._members == {}
    assert rooms._rooms == {}


def test_members_may_leave_while_they_are_visited() -> None:
    rooms: Rooms[int] = Rooms()
    for member in range(5):
        rooms.join(member, "blue")
    visited = []
    for member in rooms.select(["blue"]):
        visited.append(member)
        for each in range(5):
            rooms.leave(each, "blue")
        rooms.join(9, "blue")
    assert visited == [0, 1, 2, 3, 4]
