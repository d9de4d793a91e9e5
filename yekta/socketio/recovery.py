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
from heapq import merge
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.interfaces import IReactorTime

from yekta import jsontext, msgpack
from yekta.socketio.kept import Kept
from yekta.socketio.message import Message
from yekta.socketio.packet import detach
from yekta.socketio.shares import Shares

if TYPE_CHECKING:
    from yekta.socketio.adapter import Target
    from yekta.socketio.handshake import Handshake

# Stands for the target of an event without rooms.
_EVERYBODY = None

# How often it is looked for what has become too old, within the time that events are kept.
LOOKS = 16


@attrs.frozen
class Settings:
    """``max_disconnection``: seconds that a lost session waits. ``max_events``: kept of what is said to many.

    ``max_bytes``: that those take, and as much again is for all that is said to single sockets, of which each has
    ``max_bytes_alone`` at the most.
    ``max_sessions``: lost sessions that wait, the oldest going first. ``skip_middlewares``: for a session that is
    recovered, other than those that were added with ``always=True``. ``understands``: whether a client can take an
    additional argument with each event.
    """

    max_disconnection: float = 120.0
    max_events: int = 10_000
    max_bytes: int = 64 << 20
    max_bytes_alone: int = 256 << 10
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
    """The log of one namespace, and the sessions that may come back to it. Bounded in time, number and bytes.

    ``alone``: what was said to single sockets; the rest was said to many. ``last``: the number of the last event.
    """

    def __init__(self, clock: IReactorTime, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._epoch = secrets.token_urlsafe(6)
        # What was said to many, and how many bytes that takes.
        self._events: deque[Kept] = deque()
        self._size = 0
        self.alone = Shares(settings.max_bytes, settings.max_bytes_alone)
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        # The last event that was trimmed of each room, of the latest rooms; and of all rooms that are forgotten here.
        self._trimmed: OrderedDict[str | None, int] = OrderedDict()
        self._floor = 0
        # When to look for what has become too old.
        self._due = 0.0
        self.last = 0

    def record(self, message: Message, target: Target) -> None:
        """Give ``message``, for many, its offset, and remember it unless it may be lost anyway."""
        event = self._place(message, target)
        if event is not None:
            self._events.append(event)
            self._size += event.size
            settings = self._settings
            if len(self._events) > settings.max_events or self._size > settings.max_bytes or event.time >= self._due:
                self._trim()

    def record_alone(self, message: Message, id: str) -> None:
        """The same for the socket ``id`` alone."""
        event = self._place(message, None, id)
        if event is not None:
            self.alone.add(id, event)
            if event.time >= self._due:
                self._trim()

    def write_alone(self, said: tuple[Any, ...], id: str) -> Kept:
        """The usual event for the socket ``id`` alone, written, with its offset, and remembered.

        Raises `jsontext.Unsayable`.
        """
        number = self.last + 1
        text = jsontext.dumps((*said, f"{self._epoch}-{number}"))
        self.last = number
        event = Kept(number, self._clock.seconds(), text)
        self.alone.add(id, event)
        if event.time >= self._due:
            self._trim()
        return event

    def expect(self, id: str) -> None:
        """The socket ``id`` may come back."""
        self.alone.open(id)

    def forget(self, id: str) -> None:
        """It will not."""
        self.alone.close(id)
        if not self.alone:
            # Nobody is left who could come back to any of it; who comes from here on has missed none.
            self._events.clear()
            self._trimmed.clear()
            self._size, self._floor = 0, self.last

    def keep(self, session: Session) -> None:
        """A client is lost; it may come back."""
        self._sessions[session.pid] = session
        while len(self._sessions) > self._settings.max_sessions:
            self._give_up()
        self._trim()

    @property
    def size(self) -> int:
        """The bytes that all events take which are kept."""
        return self._size + self.alone.size

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
        trimmed = max(self._last_trimmed(session.rooms), self.alone.trimmed(session.id))
        return seen if seen >= trimmed else None

    def missed(self, session: Session, position: int) -> Iterator[Kept]:
        """The events for the socket of ``session`` after ``position``."""
        rooms = session.rooms
        for event in merge(self._events, self.alone.events(session.id), key=attrgetter("number")):
            if event.number > position and (event.target is None or _concerns(event.target, rooms)):
                yield event

    def _place(self, message: Message, target: Target | None, id: str = "") -> Kept | None:
        """Give ``message`` its place; gives what is to be kept there."""
        if not message.volatile:
            self.last += 1
        message.number = self.last
        message.offset = f"{self._epoch}-{self.last}"
        if self.alone and not message.volatile:
            # Somebody may come back.
            try:
                text, attachments = detach([*message.args, message.offset])
            except ValueError:
                self._note_unkept(message, target, id)
            else:
                now = self._clock.seconds()
                message.kept = Kept(self.last, now, text, tuple(attachments), target, message.compress)
        return message.kept

    def _note_unkept(self, message: Message, target: Target | None, id: str) -> None:
        """JSON cannot say it, but msgpack may have: who missed it has missed what is not here."""
        try:
            msgpack.encode(message.args)
        except msgpack.NotMsgpack:
            return
        if target is None:
            self.alone.skip(id, self.last)
        else:
            self._note_trimmed(Kept(self.last, 0.0, b"", target=target))

    def _number(self, offset: object) -> int | None:
        if not isinstance(offset, str):
            return None
        epoch, _, number = offset.rpartition("-")
        is_ours = epoch == self._epoch and number.isascii() and number.isdigit() and len(number) < 16
        return int(number) if is_ours else None

    def _trim(self) -> None:
        now, settings = self._clock.seconds(), self._settings
        oldest = now - settings.max_disconnection
        while self._sessions and next(iter(self._sessions.values())).left < oldest:
            self._give_up()
        events = self._events
        while events and (
            events[0].time < oldest or len(events) > settings.max_events or self._size > settings.max_bytes
        ):
            event = events.popleft()
            self._size -= event.size
            self._note_trimmed(event)
        self.alone.expire(oldest)
        self._due = now + settings.max_disconnection / LOOKS

    def _give_up(self) -> None:
        """Nobody waits any longer for the session that was lost first."""
        _, session = self._sessions.popitem(last=False)
        self.forget(session.id)

    def _note_trimmed(self, event: Kept) -> None:
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
