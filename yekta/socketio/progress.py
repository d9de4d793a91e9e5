"""How far the broadcasts of each server of a cluster have been heard here.

Each server numbers what it broadcasts, and all others hear it in that order. So one number for each says what has been
heard, and whoever compares two servers' numbers knows what one has heard and the other has not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

import attrs

# Servers that are gone whose last number is remembered.
REMEMBERED = 64

# The number of one of which more may have been heard than is known: nobody is told that it was.
_UNSURE = -1


@attrs.frozen
class Heard:
    """Up to which number of each server, as it was at one moment. ``alive``: there may be more."""

    alive: Mapping[str, int]
    gone: Mapping[str, int] = attrs.field(factory=dict)

    def of(self, name: str) -> int | None:
        """Up to which number, if ``name`` is known of."""
        return self.alive.get(name, self.gone.get(name))


class Progress:
    """``name`` is ours. ``last``: how many broadcasts we made. ``breaks``: how often who is there has changed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.last = 0
        self.breaks = 0
        self._alive: dict[str, int] = {}
        self._gone: OrderedDict[str, int] = OrderedDict()
        self._waiting: list[Callable[[], bool]] = []

    @property
    def others(self) -> tuple[str, ...]:
        """The servers that are there."""
        return tuple(self._alive)

    def knows(self, name: str) -> bool:
        """Whether a server is there."""
        return name in self._alive

    def next(self) -> int:
        """The number of another broadcast of ours."""
        self.last += 1
        return self.last

    def came(self, name: str, number: int) -> bool:
        """The server ``name`` is there, and has made ``number`` broadcasts. Says whether some of them were missed."""
        if name in self._alive:
            return False
        before = self._gone.pop(name, None)
        self._alive[name] = number
        self.breaks += 1
        return before is not None and before != number

    def went(self, name: str) -> None:
        """The server ``name`` is gone; what was heard of it is remembered."""
        number = self._alive.pop(name, None)
        if number is not None:
            self._gone[name] = number
            if len(self._gone) > REMEMBERED:
                self._gone.popitem(last=False)
            self.breaks += 1

    def doubt(self, name: str) -> None:
        """Of a server that is not there more has been heard than its number says."""
        if name in self._gone:
            self._gone[name] = _UNSURE

    def heard(self, name: str, number: int) -> bool:
        """The broadcast ``number`` of a server that is there has come. Says whether it is a new one."""
        is_new = number > self._alive[name]
        if is_new:
            self._alive[name] = number
        return is_new

    def now(self) -> Heard:
        """What has been heard until now."""
        return Heard({**self._alive, self.name: self.last}, dict(self._gone))

    def reached(self, heard: Heard) -> bool | None:
        """Whether all of what another server had heard has been heard here; ``None``: not yet."""
        now = self.now()
        reached = [_reached(number, name in now.alive, now.of(name)) for name, number in heard.alive.items()]
        return False if False in reached else None if None in reached else True

    # -- waiting ---------------------------------------------------------------------------------------------

    def wait(self, look: Callable[[], bool]) -> None:
        """Call ``look()`` whenever more has been heard, until it says that it need not look any more."""
        if not look():
            self._waiting.append(look)

    def tell(self) -> None:
        """More has been heard, and dealt with."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for look in waiting:
                self.wait(look)


def _reached(number: int, alive: bool, here: int | None) -> bool | None:
    if here is not None and here >= number:
        return True
    return None if alive else False
