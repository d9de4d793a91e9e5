"""A peer without a connection, and what it was told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from yekta.app.peer import Peer
from yekta.app.sessions import Session
from yekta.rooms import Joined


class FakePeer(Peer):
    """``emitted`` and ``ended`` hold what a client would have been told."""

    protocol = "fake"
    transport = "memory"
    id = address = ""
    flowing = True

    def __init__(self, session: Session | None = None, id: str = "peer", token: str = "x" * 39 + "tail") -> None:
        super().__init__(session or Session("s1", None, False, 1e12), token)
        self.id = id
        self.owner = self
        self.joined: Joined = None
        self.emitted: list[tuple[str, Any]] = []
        self.ended: list[str] = []
        self._rooms: list[str] = []

    @property
    def rooms(self) -> Collection[str]:
        return self._rooms

    def join(self, *rooms: str) -> None:
        self._rooms += rooms

    def emit(self, event: str, data: Any) -> None:
        self.emitted.append((event, data))

    def session_ended(self, reason: str) -> None:
        self.ended.append(reason)

    def send_away(self) -> None:
        self.ended.append("sent away")
