"""Who is in which room, looked up both ways. A pure data structure: no wire, no clock, no callbacks.

Rooms appear with their first member and vanish with their last, so nothing is left behind by members that left.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator
from typing import Generic, TypeVar

Member = TypeVar("Member", bound=Hashable)

_NOBODY: frozenset[str] = frozenset()


class Rooms(Generic[Member]):
    """Members of any hashable kind, in any number of rooms. Every operation costs O(rooms touched)."""

    __slots__ = ("_members", "_rooms")

    def __init__(self) -> None:
        self._members: dict[str, set[Member]] = {}
        self._rooms: dict[Member, set[str]] = {}

    def join(self, member: Member, room: str) -> tuple[bool, bool]:
        """Put ``member`` into ``room``. Says ``(the room is new, the member was not in it)``."""
        members = self._members.get(room)
        created = members is None
        if members is None:
            members = self._members[room] = set()
        joined = member not in members
        members.add(member)
        self._rooms.setdefault(member, set()).add(room)
        return created, joined

    def leave(self, member: Member, room: str) -> tuple[bool, bool]:
        """Take ``member`` out of ``room``. Says ``(the room vanished, the member had been in it)``."""
        members = self._members.get(room, set())
        if member not in members:
            return False, False
        members.remove(member)
        rooms = self._rooms[member]
        rooms.remove(room)
        if not rooms:
            del self._rooms[member]
        if not members:
            del self._members[room]
        return not members, True

    def of(self, member: Member) -> Collection[str]:
        """The rooms that ``member`` is in; a live view, not to be changed."""
        return self._rooms.get(member, _NOBODY)

    def members(self, room: str) -> Collection[Member]:
        """The members of ``room``; a live view, not to be changed."""
        return self._members.get(room, frozenset())

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
