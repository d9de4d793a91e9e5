"""How far each server was heard: all that one says is numbered, and no number comes again."""

from __future__ import annotations

from yekta.lru import Lru

# Servers whose last number is remembered: of those that are there, and of many that are not.
REMEMBERED = 2048


class Numbers:
    """The number of the last word that was heard, by whose it is."""

    def __init__(self) -> None:
        self._last: Lru[str, int] = Lru(REMEMBERED)

    def step(self, name: str, number: int) -> int:
        """``name`` says its word ``number``, or does not count (0). By how many that is more than the last one.

        1 is the next, or cannot be told; less was heard before, and more comes after others that were not.
        """
        last = self._last.get(name) or number - 1
        if number > last:
            self._last.put(name, number)
        return number - last
