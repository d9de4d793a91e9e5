"""How far each server was heard: it numbers all its words, and never gives a number twice."""

from __future__ import annotations

from yekta.lru import Lru

# Servers whose last number is remembered: of those that are there, and of many that are not.
REMEMBERED = 2048


class Numbers:
    """The number of the last word that was heard, by whose it is."""

    def __init__(self) -> None:
        self._last: Lru[str, int] = Lru(REMEMBERED)

    def step(self, name: str, number: int) -> int:
        """The word ``number`` of ``name`` has come; 0: it does not count its words. Gives the step from the last one.

        1: it is the next, or the first of ``name``, or not counted. Below 1: it was heard before. Above 1: words
        between the two were not heard.
        """
        last = self._last.get(name) or number - 1
        if number > last:
            self._last.put(name, number)
        return number - last
