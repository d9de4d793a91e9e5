"""Who is here, and in which rooms, looked up both ways. A pure data structure: no wire, no clock, no callbacks.

Rooms appear with their first member and vanish with their last; a member is here until it is taken out of everything.
Most rooms have one member, and most members a few rooms: those are kept without a set, which would cost 200 bytes each.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator
from typing import Generic, TypeVar, cast

Member = TypeVar("Member", bound=Hashable)

_NOBODY: frozenset[str] = frozenset()

# As many rooms of one member are a tuple.
_FEW = 8


class Rooms(Generic[Member]):
    """Members of any hashable kind, in any number of rooms. Every operation costs O(rooms touched)."""

    __slots__ = ("_members", "_rooms")

    def __init__(self) -> None:
        self._members: dict[str, Member | set[Member]] = {}
        self._rooms: dict[Member, tuple[str, ...] | set[str]] = {}

    def add(self, member: Member) -> None:
        """``member`` is here, whether it is in a room or not."""
        self._rooms.setdefault(member, ())

    def join(self, member: Member, room: str) -> tuple[bool, bool]:
        """Put ``member`` into ``room``. Says ``(the room is new, the member was not in it)``."""
        rooms = self._rooms.get(member, ())
        if room in rooms:
            return False, False
        if type(rooms) is set:
            rooms.add(room)
        else:
            self._rooms[member] = (*rooms, room) if len(rooms) < _FEW else {*rooms, room}
        members = self._members.get(room)
        if type(members) is set:
            members.add(member)
        else:
            self._members[room] = member if members is None else {cast(Member, members), member}
        return members is None, True

    def leave(self, member: Member, room: str) -> tuple[bool, bool]:
        """Take ``member`` out of ``room``. Says ``(the room vanished, the member had been in it)``."""
        rooms = self._rooms.get(member, ())
        if room not in rooms:
            return False, False
        if type(rooms) is set:
            rooms.remove(room)
        else:
            self._rooms[member] = tuple(each for each in rooms if each != room)
        return self._left(member, room), True

    def remove(self, member: Member) -> list[tuple[str, bool]]:
        """``member`` is here no more. Gives the rooms that it was in, and whether each vanished."""
        return [(room, self._left(member, room)) for room in self._rooms.pop(member, ())]

    def _left(self, member: Member, room: str) -> bool:
        members = self._members[room]
        if type(members) is set:
            members.remove(member)
            if members:
                return False
        del self._members[room]
        return True

    def everybody(self) -> Collection[Member]:
        """All who are here; a view, not to be changed."""
        return self._rooms.keys()

    def of(self, member: Member) -> Collection[str]:
        """The rooms that ``member`` is in; a view, not to be changed."""
        return self._rooms.get(member, _NOBODY)

    def members(self, room: str) -> Collection[Member]:
        """The members of ``room``; a view, not to be changed."""
        members = self._members.get(room)
        if members is None:
            return ()
        return members if type(members) is set else (cast(Member, members),)

    def select(self, rooms: Iterable[str], excluded: Iterable[str] = ()) -> Iterator[Member]:
        """Each member of any of ``rooms`` once, but nobody who is in one of the ``excluded`` rooms.

        The answer is settled before the first member is yielded: joins and leaves made meanwhile change nothing.
        """
        chosen: set[Member] = set().union(*(self.members(room) for room in rooms))
        for room in excluded:
            chosen.difference_update(self.members(room))
        return iter(chosen)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __contains__(self, room: object) -> bool:
        return room in self._members

    def __len__(self) -> int:
        return len(self._members)
