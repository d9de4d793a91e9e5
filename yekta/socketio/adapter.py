"""Who is in which room of a namespace, and delivery to many: the only seam towards other processes.

`Adapter` is the interface; :class:`InMemoryAdapter` serves one process and is the local half of any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from yekta import jsontext
from yekta.rooms import Guest, Rooms
from yekta.socketio.acks import Answered
from yekta.socketio.gathering import Gathering
from yekta.socketio.kept import Kept
from yekta.socketio.message import Message
from yekta.socketio.recovery import History, Session


@attrs.frozen
class Target:
    """Members of any of ``rooms`` (of none: everybody) who are in none of ``excluded``."""

    rooms: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()


@attrs.frozen
class Flags:
    """``volatile``: may be dropped where the client does not keep up. ``local``: this process only.

    ``compress``: whether compressing is worth it. ``timeout``: seconds that acknowledgements may take.
    """

    volatile: bool = False
    local: bool = False
    compress: bool = True
    timeout: float | None = None


@attrs.frozen
class RemoteSocket:
    """A socket somewhere in the cluster, as `fetch_sockets` tells of it. A copy: nothing here is live."""

    id: str
    rooms: frozenset[str]
    data: dict[str, Any] = attrs.field(repr=False)
    handshake: dict[str, Any] = attrs.field(repr=False)


@attrs.frozen
class Restored:
    """A session whose client is back; ``missed()`` gives the events that it missed until now.

    ``position``: the number of the last event before those.
    """

    session: Session
    position: int
    missed: Callable[[], Iterable[Kept]]


@attrs.frozen
class AdapterContext:
    """What an adapter is told when it is made: for which namespace of which server, and whom to call.

    ``observers``: each to be called for create-room, delete-room (room), join-room and leave-room (room, id), as
    ``observer(event, *args)``; there is none before somebody listens.
    ``emitted(args)``: to be told what another server emits to its fellows; gives the answer, or a Deferred of it.
    ``next_id``: numbers for acknowledgements. ``alive(pid)``: gives what ends the connection of a client that may be
    back at another server, where the one to this server seems to be alive.
    """

    clock: IReactorTime
    observers: Sequence[Callable[..., object]] = ()
    namespace: str = "/"
    history: History | None = None
    emitted: Callable[[Sequence[Any]], Any] = lambda args: None
    next_id: Callable[[], int] = attrs.field(factory=lambda: count(1).__next__)
    alive: Callable[[str], Callable[[], object] | None] = lambda pid: None


class Member(Guest, Protocol):
    """Whoever can be in a room: a Socket.IO socket, or any other connection that can take a message."""

    @property
    def owner(self) -> object:
        """Who the application has put behind it."""

    def deliver(self, message: Message) -> None:
        """Send ``message`` to the client behind this member."""

    def ask(self, message: Message, answered: Answered) -> Callable[[], None] | None:
        """Send ``message`` and have its acknowledgement told; gives what stops the waiting, or ``None``: it cannot."""

    def describe(self) -> RemoteSocket:
        """The facts that other servers may know."""

    def disconnect(self, close: bool = False) -> None:
        """Leave the namespace, or close the whole connection."""


class Adapter(Protocol):
    """The rooms of one namespace across all servers. What returns a Deferred may have to ask other servers."""

    rooms: Rooms[Member]

    def add(self, member: Member, rooms: Iterable[str]) -> None:
        """Put ``member`` into ``rooms``; who comes, into the one of its own first, which is named by its id."""

    def remove(self, member: Member, room: str) -> None:
        """Take ``member`` out of ``room``."""

    def remove_all(self, member: Member) -> None:
        """Forget ``member``."""

    @property
    def last_number(self) -> int:
        """The number of the last event in the history."""

    @property
    def awaits(self) -> bool:
        """Whether a lost client may still come back."""

    def record(self, message: Message, target: Target) -> None:
        """Give ``message``, which the caller delivers, its place in the history; nothing where there is none."""

    def record_alone(self, message: Message, id: str) -> None:
        """The same for what is said to one socket alone, which may be recovered."""

    def write_alone(self, said: tuple[Any, ...], id: str) -> Kept:
        """Write an event for one socket alone, which may be recovered, and give it its place in the history.

        Raises `jsontext.Unsayable` where it takes more to say it.
        """

    def expect(self, id: str) -> None:
        """The socket ``id`` may be recovered from here on."""

    def forget(self, id: str) -> None:
        """The socket ``id`` cannot be recovered any more."""

    def keep(self, session: Session) -> None:
        """A client that may recover is lost."""

    def restore(self, pid: str, offset: object) -> Restored | Deferred[Restored | None] | None:
        """The session of ``pid``, once, if all that its client missed after ``offset`` is known."""

    def broadcast(self, message: Message, target: Target, flags: Flags) -> None:
        """Deliver ``message``. Who gets it is settled before this returns."""

    def broadcast_with_ack(self, message: Message, target: Target, flags: Flags) -> Deferred[list[Any]]:
        """Deliver, and gather one answer of each; :class:`AckTimeout` carries those that came in time."""

    def fetch(self, target: Target, flags: Flags) -> Deferred[list[RemoteSocket]]:
        """Facts about all sockets of ``target``."""

    def join(self, target: Target, flags: Flags, rooms: Sequence[str]) -> None:
        """Make the sockets of ``target`` join ``rooms``."""

    def leave(self, target: Target, flags: Flags, rooms: Sequence[str]) -> None:
        """Make the sockets of ``target`` leave ``rooms``."""

    def disconnect(self, target: Target, flags: Flags, close: bool) -> None:
        """Disconnect the sockets of ``target``."""

    def server_side_emit(self, args: Sequence[Any], timeout: float | None) -> Deferred[list[Any]]:
        """Tell the other servers; with a ``timeout``, gather their answers."""

    def close(self) -> None:
        """The server or the namespace is no more: leave the cluster."""


class InMemoryAdapter:
    """The rooms of this process alone."""

    def __init__(self, context: AdapterContext) -> None:
        self.context = context
        self.history = context.history
        self.rooms: Rooms[Member] = Rooms()
        self._observers = context.observers

    def add(self, member: Member, rooms: Iterable[str]) -> None:
        for room in rooms:
            entered = self.rooms.join(member, room)
            for observer in self._observers:
                for each, created in entered:
                    if created:
                        observer("create-room", each)
                    observer("join-room", each, member.id)

    def remove(self, member: Member, room: str) -> None:
        vanished, left = self.rooms.leave(member, room)
        for observer in self._observers:
            if left:
                observer("leave-room", room, member.id)
            if vanished:
                observer("delete-room", room)

    def remove_all(self, member: Member) -> None:
        left = self.rooms.remove(member)
        for observer in self._observers:
            for room, vanished in left:
                observer("leave-room", room, member.id)
                if vanished:
                    observer("delete-room", room)

    def select(self, target: Target) -> Iterator[Member]:
        """The members of this process that ``target`` means, settled now."""
        if target.rooms:
            return self.rooms.select(target.rooms, target.excluded)
        if not target.excluded:
            return iter(list(self.rooms.everybody()))
        excluded = set(self.rooms.select(target.excluded))
        return iter([member for member in self.rooms.everybody() if member not in excluded])

    @property
    def last_number(self) -> int:
        return 0 if self.history is None else self.history.last

    @property
    def awaits(self) -> bool:
        return self.history is not None and self.history.awaits

    def record(self, message: Message, target: Target) -> None:
        if self.history is not None:
            self.history.record(message, target)

    def record_alone(self, message: Message, id: str) -> None:
        if self.history is not None:
            self.history.record_alone(message, id)

    def write_alone(self, said: tuple[Any, ...], id: str) -> Kept:
        if self.history is None:
            return Kept(0, 0.0, jsontext.dumps(said))
        return self.history.write_alone(said, id)

    def expect(self, id: str) -> None:
        if self.history is not None:
            self.history.expect(id)

    def forget(self, id: str) -> None:
        if self.history is not None:
            self.history.forget(id)

    def keep(self, session: Session) -> None:
        if self.history is not None:
            self.history.keep(session)

    def restore(self, pid: str, offset: object) -> Restored | Deferred[Restored | None] | None:
        session = None if self.history is None else self.history.take(pid)
        return None if session is None else self.resume(session, offset)

    def resume(self, session: Session, offset: object) -> Restored | None:
        """The session of a client that is back and shows ``offset``, if all that it missed is in the history."""
        assert self.history is not None
        position = self.history.position(session, offset)
        if position is None:
            self.history.forget(session.id)
            return None
        return Restored(session, position, partial(self.history.missed, session, position))

    def broadcast(self, message: Message, target: Target, flags: Flags) -> None:
        self.record(message, target)
        for member in self.select(target):
            member.deliver(message)

    def broadcast_with_ack(self, message: Message, target: Target, flags: Flags) -> Deferred[list[Any]]:
        gathering = Gathering(self.context.clock, flags.timeout)
        gathering.ask_all(self.select(target), message)
        return gathering.finish()

    def fetch(self, target: Target, flags: Flags) -> Deferred[list[RemoteSocket]]:
        return succeed([member.describe() for member in self.select(target)])

    def join(self, target: Target, flags: Flags, rooms: Sequence[str]) -> None:
        for member in self.select(target):
            self.add(member, rooms)

    def leave(self, target: Target, flags: Flags, rooms: Sequence[str]) -> None:
        for member in self.select(target):
            for room in rooms:
                self.remove(member, room)

    def disconnect(self, target: Target, flags: Flags, close: bool) -> None:
        for member in self.select(target):
            member.disconnect(close)

    def server_side_emit(self, args: Sequence[Any], timeout: float | None) -> Deferred[list[Any]]:
        return succeed([])

    def close(self) -> None:
        """There is no cluster to leave."""
