"""Up to where a history is not complete any more, room by room: a quiet one outlives the trimming of the others."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yekta.socketio.adapter import Target

# Stands for the target of an event without rooms.
_EVERYBODY = None


class Trimmed:
    """The last event that is kept no longer, of each of the ``most`` latest rooms, and of all others together."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rooms: OrderedDict[str | None, int] = OrderedDict()
        self._floor = 0

    def note(self, target: Target | None, number: int) -> None:
        """The event ``number`` for ``target`` is kept no longer."""
        for room in (target and target.rooms) or (_EVERYBODY,):
            self._rooms[room] = number
            self._rooms.move_to_end(room)
        while len(self._rooms) > self._most:
            self._floor = self._rooms.popitem(last=False)[1]

    def clear(self, number: int) -> None:
        """Nothing up to the event ``number`` is kept, for anybody."""
        self._rooms.clear()
        self._floor = number

    def last(self, rooms: frozenset[str]) -> int:
        """The number of the last event for somebody in ``rooms`` that is kept no longer."""
        return max(self._floor, *(self._rooms.get(room, 0) for room in (_EVERYBODY, *rooms)))
