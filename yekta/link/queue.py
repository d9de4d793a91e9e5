"""So many at a time, and whoever comes then waits: not one after the other, but one of each in turn, so that nobody who
comes a thousand times keeps others waiting."""

from __future__ import annotations

from functools import partial

from twisted.internet.defer import Deferred


class Queue:
    """``most`` are inside at a time, and of each so many wait as ``most_waiting``."""

    def __init__(self, most: int, most_waiting: int) -> None:
        self._most = most
        self._most_waiting = most_waiting
        self._inside = 0
        # By whose they are, in the order of their turns; and of each the first that came first.
        self._waiting: dict[str, dict[Deferred[None], None]] = {}
        self._letting_in = False

    def __len__(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    async def enter(self, name: str) -> bool:
        """Be inside, now or later, as one of ``name``'s: whoever is must `leave`. False: too many of them wait."""
        if self._inside < self._most:
            self._inside += 1
            return True
        if len(self._waiting.get(name, ())) >= self._most_waiting:
            return False
        waiting: Deferred[None] = Deferred(partial(self._forget, name))
        self._waiting.setdefault(name, {})[waiting] = None
        await waiting
        return True

    def leave(self) -> None:
        """Make room."""
        self._inside -= 1
        # One that is let in may leave at once: each within the other, a thousand would be too deep.
        if self._letting_in:
            return
        self._letting_in = True
        try:
            while self._waiting and self._inside < self._most:
                self._inside += 1
                self._next().callback(None)
        finally:
            self._letting_in = False

    def _next(self) -> Deferred[None]:
        name = next(iter(self._waiting))
        own = self._waiting.pop(name)
        first = next(iter(own))
        del own[first]
        if own:
            self._waiting[name] = own
        return first

    def _forget(self, name: str, waiting: Deferred[None]) -> None:
        own = self._waiting[name]
        del own[waiting]
        if not own:
            del self._waiting[name]
