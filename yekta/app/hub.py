"""All peers of this process, of every protocol, and what is said to rooms.

The rooms are those of the adapter that Socket.IO's sockets are in, so whatever is sent to a room reaches both
protocols, and reaches other processes where the adapter does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from yekta.app.peer import Peer
from yekta.app.sessions import Sessions
from yekta.app.visits import Visits
from yekta.engineio.connection import TRANSPORT_CLOSE
from yekta.socketio.adapter import Adapter, Flags, Member, Target
from yekta.socketio.message import Message

SESSION, USER = "session:", "user:"

# The reason where there is no other: the client closed the connection, or it broke.
LEFT = TRANSPORT_CLOSE


class Hub:
    """``departures``: how many have left, by protocol and reason."""

    def __init__(self, sessions: Sessions, adapter: Adapter, visits: Visits | None = None) -> None:
        self.departures: Counter[tuple[str, str]] = Counter()
        # To be called with the id of a session whenever one of its peers says something.
        self.touch = sessions.touch
        self._sessions = sessions
        self._adapter = adapter
        self._visits = visits
        sessions.on_ended(self._session_ended)

    def arrive(self, peer: Peer) -> None:
        """Welcome a peer. It can be spoken to, and is in the rooms of its session and user."""
        session = peer.session
        peer.since = 0.0 if self._visits is None else self._visits.now()
        peer.join(SESSION + session.id)
        if session.is_logged_in and session.user_id is not None:
            peer.join(USER + session.user_id)
        peer.emit(
            "connected",
            {
                "message": "Connected to YektaYar server",
                "socketId": peer.id,
                "isLoggedIn": session.is_logged_in,
                "protocol": peer.protocol,
            },
        )
        self._sessions.hold(session)

    def depart(self, peer: Peer, reason: str = LEFT) -> None:
        """A peer has gone. ``reason`` is one of few words, never a client's."""
        if peer.since is not None:
            self.departures[peer.protocol, reason] += 1
            self._sessions.release(peer.session)
            if self._visits is not None:
                self._visits.end(peer.since, peer.protocol, peer.transport, peer.address, reason)
            peer.since = None
            peer.gone()

    @property
    def members(self) -> Collection[Member]:
        """All who are here, as the adapter knows them; a view."""
        return self._adapter.rooms.everybody()

    @property
    def peers(self) -> list[Peer]:
        """All who are here. Gathered anew."""
        return _peers(self.members)

    def emit(self, room: str, event: str, data: Any) -> None:
        """Send an event to everybody in ``room``, written once for each protocol."""
        self._adapter.broadcast(Message([event, data]), Target(frozenset((room,))), Flags())

    def _session_ended(self, session_id: str, reason: str) -> None:
        for peer in _peers(self._adapter.rooms.members(SESSION + session_id)):
            peer.session_ended(reason)


def _peers(members: Iterable[Member]) -> list[Peer]:
    return [owner for owner in [member.owner for member in members] if isinstance(owner, Peer)]
