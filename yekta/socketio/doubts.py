"""Clients that another server asks for while they seem to be here; see `yekta.socketio.moving`."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from yekta.timeouts import Timeouts

# Seconds until the other server must have said that its client waits there still; less than that one waits.
PATIENCE = 1.0


class Doubts:
    """``most`` at a time. What ends the connection of such a client is kept until it is settled, or no longer."""

    def __init__(self, clock: IReactorTime, most: int) -> None:
        self._most = most
        self._ends: dict[tuple[str, int], Callable[[], object]] = {}
        self._patience: Timeouts[tuple[str, int]] = Timeouts(clock, PATIENCE, self._ends.pop)

    def begin(self, name: str, id: int, end: Callable[[], object]) -> bool:
        """The server ``name`` asks for it, by its question ``id``. Says whether there is room for another one."""
        has_room = len(self._ends) < self._most
        if has_room:
            self._ends[name, id] = end
            self._patience.start((name, id))
        return has_room

    def settle(self, name: str, id: int) -> Callable[[], object] | None:
        """What ends the connection that there was when this was asked for the first time."""
        self._patience.stop((name, id))
        return self._ends.pop((name, id), None)

    def close(self) -> None:
        """Nobody is doubted any more."""
        self._ends.clear()
        self._patience.clear()
