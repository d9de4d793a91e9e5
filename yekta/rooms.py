"""Who is here, and in which rooms, looked up both ways. A pure data structure: no wire, no clock, no callbacks.

Everybody who comes is in a room of their own, named by their id: the table of who is here, by id, is all those rooms.
Other rooms appear with their first member and vanish with their last. Most of them have one member, and most members
are in one of them: neither is kept in a set, which would cost 200 bytes each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Generic, Protocol, TypeVar, cast

# Rooms that a member is in, besides its own.
Joined = None | str | tuple[str, ...] | set[str]

# As many rooms of one member are a tuple.
_FEW = 8


class Guest(Protocol):
    """Whoever can be in rooms. ``joined`` begins as ``None``, and is for `Rooms` alone."""

    joined: Joined

    @property
    def id(self) -> str:
        """Nobody else's."""

    def __hash__(self) -> int: ...


Member = TypeVar("Member", bound=Guest)


def room_name(room: object) -> str:
    """``room``, which must be the name of one. Raises :class:`TypeError`."""
    if not isinstance(room, str):
        raise TypeError(f"a room must be a str, not {type(room).__name__}")
    return room


class Rooms(Generic[Member]):
    """Members in any number of rooms. Every operation costs O(rooms touched)."""

    __slots__ = ("_here", "_members")

    def __init__(self) -> None:
        # By the room of their own; the few who have left that stand by themselves.
        self._here: dict[str | Member, Member] = {}
        # Of the other rooms, and of those whose owner is not alone there.
        self._members: dict[str, Member | set[Member]] = {}

    def join(self, member: Member, room: str) -> list[tuple[str, bool]]:
        """Put ``member`` into ``room``; who was not here yet comes to its own first.

        Gives the rooms that it has entered, and whether each is new.
        """
        here, own = self._here, member.id
        entered = []
        if own not in here and (room == own or member not in here):
            here.pop(member, None)
            here[own] = member
            entered.append((own, own not in self._members))
        if room == own:
            return entered
        if member.joined is None:
            member.joined = room
        else:
            joined = _each(member.joined)
            if room in joined:
                return entered
            member.joined = _with(joined, room)
        members = self._members.get(room)
        if type(members) is set:
            members.add(member)
        else:
            self._members[room] = member if members is None else {cast(Member, members), member}
        entered.append((room, members is None and room not in here))
        return entered

    def leave(self, member: Member, room: str) -> tuple[bool, bool]:
        """Take ``member`` out of ``room``. Says ``(the room vanished, the member had been in it)``."""
        if room == member.id:
            if self._here.pop(room, None) is None:
                return False, False
            self._here[member] = member
            return room not in self._members, True
        joined = _each(member.joined)
        if room not in joined:
            return False, False
        member.joined = _without(joined, room)
        return self._left(member, room), True

    def remove(self, member: Member) -> list[tuple[str, bool]]:
        """``member`` is here no more. Gives the rooms that it was in, and whether each vanished."""
        left = []
        if self._here.pop(member.id, None) is not None:
            left.append((member.id, member.id not in self._members))
        else:
            self._here.pop(member, None)
        joined, member.joined = _each(member.joined), None
        for room in joined:
            vanished = self._left(member, room)
            left.append((room, vanished))
        return left

    def _left(self, member: Member, room: str) -> bool:
        members = self._members[room]
        if type(members) is set:
            members.remove(member)
            if members:
                return False
        del self._members[room]
        return room not in self._here

    def everybody(self) -> Collection[Member]:
        """All who are here; a view, not to be changed."""
        return self._here.values()

    def of(self, member: Member) -> Collection[str]:
        """The rooms that ``member`` is in."""
        own = (member.id,) if member.id in self._here else ()
        return (*own, *_each(member.joined))

    def others(self, member: Member) -> Collection[str]:
        """The rooms that ``member`` is in besides its own; a view, not to be changed."""
        return _each(member.joined)

    def members(self, room: str) -> Collection[Member]:
        """The members of ``room``; a view, not to be changed."""
        owner, members = self._here.get(room), self._members.get(room)
        if members is None:
            return () if owner is None else (owner,)
        several = members if type(members) is set else {cast(Member, members)}
        return several if owner is None else {owner, *several}

    def select(self, rooms: Iterable[str], excluded: Iterable[str] = ()) -> Iterator[Member]:
        """Each member of any of ``rooms`` once, but nobody who is in one of the ``excluded`` rooms.

        The answer is settled before the first member is yielded: joins and leaves made meanwhile change nothing.
        """
        chosen: set[Member] = set().union(*(self.members(room) for room in rooms))
        for room in excluded:
            chosen.difference_update(self.members(room))
        return iter(chosen)

    def __iter__(self) -> Iterator[str]:
        return iter({room for room in chain(self._here, self._members) if isinstance(room, str)})

    def __contains__(self, room: object) -> bool:
        return room in self._here or room in self._members

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _each(joined: Joined) -> tuple[str, ...] | set[str]:
    if joined is None:
        return ()
    return (joined,) if isinstance(joined, str) else joined


def _with(joined: tuple[str, ...] | set[str], room: str) -> Joined:
    if type(joined) is set:
        joined.add(room)
        return joined
    return (*joined, room) if len(joined) < _FEW else {*joined, room}


def _without(joined: tuple[str, ...] | set[str], room: str) -> Joined:
    if type(joined) is set:
        joined.remove(room)
        return joined
    rest = tuple(each for each in joined if each != room)
    return rest if len(rest) > 1 else next(iter(rest), None)
