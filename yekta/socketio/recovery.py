"""Connection state recovery: a client that lost its connection gets its id, rooms and data back, and what it missed.

Wire format as socket.io 4.6 and later: CONNECT is answered with a private ``pid``; each event carries an offset as an
additional last argument; a client that comes back shows both. Here an offset is ``<epoch>-<number>``; the epoch is
random, so that offsets of another process are never taken for ours.

Where Node's server falls short: recovery needs no event before it, a pid works once, a quiet session outlives the
trimming of the log, volatile events move the offset but are not replayed.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.interfaces import IReactorTime

from yekta.socketio.message import Message

if TYPE_CHECKING:
    from yekta.socketio.adapter import Target
    from yekta.socketio.handshake import Handshake

# Reasons after which a client is expected back.
RECOVERABLE = frozenset(
    (
        "transport error",
        "transport close",
        "forced close",
        "ping timeout",
        "server shutting down",
        "forced server close",
    )
)


# Stands for the target of an event without rooms.
_EVERYBODY = None


@attrs.frozen
class Settings:
    """``max_disconnection``: seconds that a lost session waits. ``max_events``: kept for those who may come back.

    ``max_sessions``: lost sessions that wait, the oldest going first. ``skip_middlewares``: for a session that is
    recovered, other than those that were added with ``always=True``. ``understands``: whether a client can take an
    additional argument with each event.
    """

    max_disconnection: float = 120.0
    max_events: int = 10_000
    max_sessions: int = 10_000
    skip_middlewares: bool = True
    understands: Callable[[Handshake], bool] = attrs.field(default=lambda handshake: understands(handshake))


@attrs.frozen
class Session:
    """What is kept of a socket that lost its client. ``sent``: the number of the last event sent to it.

    ``since``: the number up to which its client has all that it should, and ``until``: up to where the log had come
    when it left.
    """

    pid: str
    id: str
    rooms: frozenset[str]
    data: dict[str, Any] = attrs.field(repr=False)
    since: int
    sent: int
    until: int
    left: float


class History:
    """The log of one namespace, and the sessions that may come back to it. Bounded in time and number."""

    def __init__(self, clock: IReactorTime, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._epoch = secrets.token_urlsafe(6)
        self._events: deque[Message] = deque()
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        # The last event that was trimmed of each room, of the latest rooms; and of all rooms that are forgotten here.
        self._trimmed: OrderedDict[str | None, int] = OrderedDict()
        self._floor = 0
        self.last = 0

    def record(self, message: Message, target: Target) -> None:
        """Give ``message`` its offset, and remember it unless it may be lost anyway."""
        if not message.volatile:
            self.last += 1
            message.time = now = self._clock.seconds()
            message.target = target
            events = self._events
            events.append(message)
            if len(events) > self._settings.max_events or events[0].time < now - self._settings.max_disconnection:
                self._trim()
        message.number = self.last
        message.offset = f"{self._epoch}-{self.last}"

    def keep(self, session: Session) -> None:
        """A client is lost; it may come back."""
        self._sessions[session.pid] = session
        while len(self._sessions) > self._settings.max_sessions:
            self._sessions.popitem(last=False)
        self._trim()

    @property
    def awaits(self) -> bool:
        """Whether any lost client may still come back."""
        self._trim()
        return bool(self._sessions)

    def take(self, pid: str) -> Session | None:
        """The session of ``pid``, once."""
        self._trim()
        return self._sessions.pop(pid, None)

    def position(self, session: Session, offset: object) -> int | None:
        """After which event the client missed what it missed; ``None`` where that cannot be told any more."""
        shown = session.since if offset is None else self._number(offset)
        if shown is None or shown > self.last:
            return None
        # A client may still show the offset of a session that it had before.
        seen = max(shown, session.since)
        if seen >= session.sent:
            # Nothing was lost on the way, so only what came after the client had left can be missing.
            seen = max(seen, session.until)
        return seen if seen >= self._last_trimmed(session.rooms) else None

    def missed(self, rooms: frozenset[str], position: int) -> Iterator[Message]:
        """The events for ``rooms`` after ``position``."""
        for event in self._events:
            if event.number > position and event.target is not None and _concerns(event.target, rooms):
                yield event

    def _number(self, offset: object) -> int | None:
        if not isinstance(offset, str):
            return None
        epoch, _, number = offset.rpartition("-")
        is_ours = epoch == self._epoch and number.isascii() and number.isdigit() and len(number) < 16
        return int(number) if is_ours else None

    def _trim(self) -> None:
        oldest = self._clock.seconds() - self._settings.max_disconnection
        while self._sessions and next(iter(self._sessions.values())).left < oldest:
            self._sessions.popitem(last=False)
        events, most = self._events, self._settings.max_events
        while events and (events[0].time < oldest or len(events) > most):
            self._note_trimmed(events.popleft())

    def _note_trimmed(self, event: Message) -> None:
        trimmed, target = self._trimmed, event.target
        for room in (target and target.rooms) or (_EVERYBODY,):
            trimmed[room] = event.number
            trimmed.move_to_end(room)
        while len(trimmed) > self._settings.max_events:
            self._floor = trimmed.popitem(last=False)[1]

    def _last_trimmed(self, rooms: frozenset[str]) -> int:
        return max(self._floor, *(self._trimmed.get(room, 0) for room in (_EVERYBODY, *rooms)))


def _concerns(target: Target, rooms: frozenset[str]) -> bool:
    return (not target.rooms or not target.rooms.isdisjoint(rooms)) and target.excluded.isdisjoint(rooms)


def understands(handshake: Handshake) -> bool:
    """Whether a client is JavaScript's, or says ``recover`` in its auth or query.

    Clients in other languages hand the additional argument to the application's handlers, which do not expect it.
    """
    if handshake.auth.get("recover") or handshake.query.get("recover") or "pid" in handshake.auth:
        return True
    return _is_javascript(handshake.headers)


def _is_javascript(headers: Mapping[str, str]) -> bool:
    agent = headers.get("user-agent")
    if agent is None:
        # Node's own WebSocket clients name no agent but always offer to compress.
        return "permessage-deflate" in headers.get("sec-websocket-extensions", "")
    return agent.startswith(("Mozilla/", "node"))
