"""What was said to single sockets: each has a share of the history, and pushes out nothing but its own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from yekta.socketio.kept import Kept


class Share:
    """The events of one socket, oldest first, and their size in bytes. ``trimmed``: the last one that is forgotten."""

    __slots__ = ("events", "size", "trimmed")

    def __init__(self) -> None:
        self.events: list[Kept] = []
        self.size = 0
        self.trimmed = 0

    def trim(self, most: int) -> int:
        """Forget the first events until the rest takes no more than ``most`` bytes. Gives how many are free now."""
        freed = count = 0
        for event in self.events:
            if self.size - freed <= most:
                break
            freed += event.size
            self.trimmed = event.number
            count += 1
        del self.events[:count]
        self.size -= freed
        return freed


class Shares:
    """By the id of their sockets: of those who may come back, whether they are connected or lost.

    ``most``: bytes of all together; ``most_of_one``: of each.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._shares: dict[str, Share] = {}
        # Those that are not empty; who was spoken to last comes last.
        self._filled: OrderedDict[Share, None] = OrderedDict()
        self.size = 0

    def __contains__(self, id: str) -> bool:
        return id in self._shares

    def __len__(self) -> int:
        return len(self._shares)

    def open(self, id: str) -> None:
        """The socket ``id`` may come back from here on."""
        self._shares.setdefault(id, Share())

    def close(self, id: str) -> None:
        """The socket ``id`` will not come back."""
        share = self._shares.pop(id, None)
        if share is not None:
            self.size -= share.size
            self._filled.pop(share, None)

    def add(self, id: str, event: Kept) -> None:
        """Keep ``event``, unless its socket will not come back."""
        share = self._shares.get(id)
        if share is None:
            return
        share.events.append(event)
        share.size += event.size
        self.size += event.size
        self._filled[share] = None
        self._filled.move_to_end(share)
        if share.size > self._most_of_one:
            self._trim(share, self._most_of_one)
        if self.size > self._most:
            self._divide()

    def skip(self, id: str, number: int) -> None:
        """The event ``number`` for a socket is not kept."""
        share = self._shares.get(id)
        if share is not None:
            share.trimmed = number

    def events(self, id: str) -> Sequence[Kept]:
        """What is kept for a socket that may come back."""
        return self._shares[id].events

    def trimmed(self, id: str) -> int:
        """The number of the last event that is kept no longer for one that may come back."""
        return self._shares[id].trimmed

    def expire(self, oldest: float) -> None:
        """Forget all of those who were last spoken to before ``oldest``."""
        while self._filled:
            share = next(iter(self._filled))
            if share.events[-1].time >= oldest:
                break
            self._trim(share, 0)

    def _divide(self) -> None:
        """All together are too much: leave each half of an equal part, which takes nothing from the small ones."""
        most = self._most // 2 // len(self._filled)
        for share in tuple(self._filled):
            self._trim(share, most)

    def _trim(self, share: Share, most: int) -> None:
        self.size -= share.trim(most)
        if not share.events:
            del self._filled[share]
