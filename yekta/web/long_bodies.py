"""Requests with long bodies, whichever way they go: of those that come together, one is served in each turn.

To read a megabyte of JSON and to answer it takes a turn or more, which nobody can interrupt. Ten who send such at once
keep the others waiting for one of them, and not for all ten.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yekta.rests import Rests


class LongBody:
    """A body of more than `yekta.rests.LONG` that has arrived whole, on a connection of ``transport``.

    ``serve()`` serves its request, at once or in a later turn; not where its client ``is_lost()`` by then.
    """

    __slots__ = ("_is_lost", "_rests", "_serve", "_transport")

    def __init__(self, rests: Rests, transport: Any, serve: Callable[[], object], is_lost: Callable[[], bool]) -> None:
        self._rests = rests
        self._transport = transport
        self._serve = serve
        self._is_lost = is_lost

    def arrived(self) -> None:
        """It is not begun where another has just taken more than a turn."""
        if self._rests.crowded:
            self._rests.add(self)
        else:
            self._take_turn()

    def go_on(self) -> None:
        """All others have had their turn."""
        if self._is_lost():
            return
        try:
            self._take_turn()
        except Exception:
            # As Twisted ends whom it reads from where that fails.
            self._transport.abortConnection()
            raise

    def _take_turn(self) -> None:
        self._rests.begin()
        self._serve()
        self._rests.end()
