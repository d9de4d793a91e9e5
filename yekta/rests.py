"""Turns: how long one connection may keep the reactor before it rests, so that all others have theirs.

A segment of 64 KiB may hold eleven thousand empty frames, or as many chunks of a body, or sixty packed megabytes. What
is not handled when the turn is over waits, and nothing more is read until it has been; of all that rest, one goes on in
each turn of the reactor.
"""

from __future__ import annotations

from typing import Protocol

from twisted.internet.interfaces import IReactorTime

# Seconds.
TURN = 0.01

# Bytes: a message above it may take long. No chunk of the network's is larger.
LONG = 1 << 16


class Resting(Protocol):
    """A connection that has something left to handle."""

    def go_on(self) -> None:
        """Handle more of it; it may rest again."""


class Rests:
    """Those that rest, of one factory or of all that share it."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._end = 0.0
        self._crowded = 0.0
        self._resting: dict[Resting, None] = {}
        # Whether one of them goes on, or is about to.
        self._wakes = False

    def begin(self) -> None:
        """Somebody's turn begins."""
        self._end = self._clock.seconds() + TURN

    @property
    def due(self) -> bool:
        """Whether the turn that has begun last is over."""
        return self._clock.seconds() >= self._end

    def end(self) -> None:
        """The turn that has begun last ends: it may have been longer than it should."""
        now = self._clock.seconds()
        if now >= self._end:
            self._crowded = now + TURN

    @property
    def crowded(self) -> bool:
        """Whether somebody took more than a turn just now, or rests, so that what may take long had better rest too."""
        return bool(self._resting) or self._clock.seconds() < self._crowded

    def add(self, connection: Resting) -> None:
        """Let ``connection`` go on when all who rest already have."""
        if not self._wakes:
            self._wakes = True
            # Not before the sockets have been looked at once more: a call alone would come first, in the same turn.
            self._clock.callLater(0, self._clock.callLater, 0, self._wake)
        self._resting[connection] = None

    def __contains__(self, connection: object) -> bool:
        return connection in self._resting

    def _wake(self) -> None:
        connection = next(iter(self._resting))
        del self._resting[connection]
        try:
            connection.go_on()
        finally:
            self._wakes = bool(self._resting)
            if self._wakes:
                self._clock.callLater(0, self._wake)
