"""Connection state recovery: a client that lost its connection gets its id, rooms and data back, and what it missed.

Wire format as socket.io 4.6 and later: CONNECT is answered with a private ``pid``; each event carries an offset as an
additional last argument; a client that comes back shows both. Here an offset is ``<epoch>-<number>``; the epoch is
random, so that offsets of another process are never taken for ours. A client that shows another's has heard nothing of
this one: its session has moved here (`yekta.socketio.moving`), or is younger than what it heard.

Where Node's server falls short: recovery needs no event before it, a pid works once, a quiet session outlives the
trimming of the log, volatile events move the offset but are not replayed.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.interfaces import IReactorTime

from yekta import jsontext, msgpack
from yekta.bounds import checked
from yekta.socketio.kept import Kept
from yekta.socketio.message import Message
from yekta.socketio.packet import detach
from yekta.socketio.shares import Shares
from yekta.socketio.trimmed import Trimmed
from yekta.socketio.understanding import understands

if TYPE_CHECKING:
    from yekta.socketio.adapter import Target
    from yekta.socketio.handshake import Handshake

# How an offset is spelled, whoever's it is.
_OFFSET = re.compile(r"([\w-]{8})-([0-9]{1,15})", re.ASCII)

# So many times within `max_disconnection` it is looked for what has become too old.
LOOKS = 16


@attrs.frozen(field_transformer=checked)
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
    understands: Callable[[Handshake], bool] = understands


@attrs.frozen
class Session:
    """What is kept of a socket that lost its client. ``sent``: the number of the last event sent to it.

    ``since``: the number up to which its client has all that it should, and ``until``: up to where the log had come
    when it ``left``, which is by the server's clock.
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
        # By the ids of their sockets, of those that were elsewhere before: what their clients showed then.
        self._moved: dict[str, str | None] = {}
        self._trimmed = Trimmed(settings.max_events)
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
        """The socket ``id`` will not come back."""
        self.alone.close(id)
        self._moved.pop(id, None)
        if not self.alone:
            # Nobody is left who could come back to any of it; who comes from here on has missed none.
            self._events.clear()
            self._size = 0
            self._trimmed.clear(self.last)

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

    def waits_for(self, pid: str) -> bool:
        """Whether a lost client of that ``pid`` may still come back."""
        self._trim()
        return pid in self._sessions

    def take(self, pid: str) -> Session | None:
        """The session of ``pid``, once."""
        self._trim()
        return self._sessions.pop(pid, None)

    def release(self, pid: str, offset: object) -> tuple[Session, list[Kept]] | None:
        """The session of ``pid``, for another server, with what its client missed. Nobody comes back for it here."""
        session = self.take(pid)
        if session is None:
            return None
        position = self.position(session, offset)
        missed = [] if position is None else list(self.missed(session, position))
        self.forget(session.id)
        if position is None or sum(event.size for event in missed) > self._settings.max_bytes_alone:
            return None
        return session, missed

    def adopt(self, session: Session, missed: Iterable[Message], offset: str | None) -> Session:
        """Take over a ``session`` that waited at another server, with what its client ``missed`` there.

        ``offset``: what the client shows. Where it missed more than is kept for one, it has no `position` any more.
        """
        before = self.last
        self.expect(session.id)
        self._moved[session.id] = offset
        for message in missed:
            self.record_alone(message, session.id)
        return attrs.evolve(session, since=before, sent=before, until=before, left=self._clock.seconds())

    def skip(self) -> None:
        """Something was said to many that has not come here: who is lost cannot be told what it missed."""
        self.last += 1
        self._trimmed.clear(self.last)

    def position(self, session: Session, offset: object) -> int | None:
        """After which event the client missed what it missed; ``None`` where that cannot be told any more."""
        shown = self._number(session, offset)
        if shown is None or shown > self.last:
            return None
        # A client may still show the offset of a session that it had before.
        seen = max(shown, session.since)
        if seen >= session.sent:
            # Nothing was lost on the way, so only what came after the client had left can be missing.
            seen = max(seen, session.until)
        trimmed = max(self._trimmed.last(session.rooms), self.alone.trimmed(session.id))
        return seen if seen >= trimmed else None

    def missed(self, session: Session, position: int) -> Iterator[Kept]:
        """The events for the socket of ``session`` after ``position``."""
        rooms = session.rooms
        for event in merge(self._events, self.alone.events(session.id), key=attrgetter("number")):
            if event.number > position and (event.target is None or concerns(event.target, rooms)):
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
            self._trimmed.note(target, self.last)

    def _number(self, session: Session, offset: object) -> int | None:
        """Up to which number the client has heard what was said here, by the ``offset`` that it shows."""
        if offset is None:
            return session.since if self._moved.get(session.id) is None else None
        spelled = _OFFSET.fullmatch(offset) if isinstance(offset, str) else None
        if spelled is None:
            return None
        epoch, number = spelled.groups()
        if epoch == self._epoch:
            return int(number)
        # It has heard nothing here; but maybe elsewhere, since its session was asked for.
        return session.since if self._moved.get(session.id, offset) == offset else None

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
            self._trimmed.note(event.target, event.number)
        self.alone.expire(oldest)
        self._due = now + settings.max_disconnection / LOOKS

    def _give_up(self) -> None:
        """Nobody waits any longer for the session that was lost first."""
        _, session = self._sessions.popitem(last=False)
        self.forget(session.id)


def concerns(target: Target, rooms: frozenset[str]) -> bool:
    """Whether ``target`` means somebody who is in ``rooms``."""
    return (not target.rooms or not target.rooms.isdisjoint(rooms)) and target.excluded.isdisjoint(rooms)

