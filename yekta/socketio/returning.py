"""Clients that leave a namespace and come back while what they said before still waits: what they say after that is
for who they are then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from yekta.socketio.socket import Socket


@attrs.define(eq=False)
class Return:
    """A CONNECT that waits for its turn. ``socket``: what came of it, if it was let in at once. ``void``: the client
    was sent off before, and told so."""

    socket: Socket | None = None
    void: bool = False


class Returns:
    """Those of one client, by namespace as it spells it."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[str, list[Return]] = {}

    def expect(self, spelling: str, expected: Return) -> None:
        """One more waits."""
        self._waiting.setdefault(spelling, []).append(expected)

    def last(self, spelling: str) -> Return | None:
        """The one that comes before all that the client says now."""
        waiting = self._waiting.get(spelling)
        return waiting[-1] if waiting else None

    def begin(self, spelling: str) -> None:
        """The turn of the first has come."""
        waiting = self._waiting[spelling]
        del waiting[0]
        if not waiting:
            del self._waiting[spelling]

    def give_up(self, spelling: str) -> None:
        """None of those that wait counts any more."""
        for each in self._waiting.pop(spelling, ()):
            each.void = True
