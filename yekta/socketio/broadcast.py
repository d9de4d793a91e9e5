"""Saying something to many sockets: ``io.to("room").except_("other").volatile.emit("news", 1)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from yekta.rooms import room_name
from yekta.socketio.adapter import Flags, RemoteSocket, Target
from yekta.socketio.errors import AckTimeout
from yekta.socketio.fetched import FetchedSocket
from yekta.socketio.message import Message
from yekta.socketio.packet import allowed

if TYPE_CHECKING:
    from yekta.socketio.namespace import Namespace


_EVERYBODY = Target()
_PLAIN = Flags()


def _rooms(rooms: tuple[Any, ...]) -> frozenset[str]:
    # What is neither is taken for one, to be found below.
    names = [
        name for room in rooms for name in ([room] if isinstance(room, str) or not hasattr(room, "__iter__") else room)
    ]
    for name in names:
        if type(name) is not str:
            room_name(name)
    return frozenset(names)


def _writable(rooms: tuple[str | list[str], ...]) -> list[str]:
    """Rooms that other servers can be told of, here too where there is none. Raises :class:`ValueError`."""
    names = sorted(_rooms(rooms))
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            # Half of a letter. The name may be a client's own.
            raise ValueError("a room must be text that can be written") from None
    return names


@attrs.frozen
class BroadcastOperator:
    """Some sockets of a namespace, and how to treat them. Each call or flag makes a new one."""

    _namespace: Namespace
    _target: Target = _EVERYBODY
    _flags: Flags = _PLAIN

    def to(self, *rooms: str | list[str]) -> BroadcastOperator:
        """Also the sockets in ``rooms``."""
        target = attrs.evolve(self._target, rooms=self._target.rooms | _rooms(rooms))
        return attrs.evolve(self, target=target)

    in_ = to

    def except_(self, *rooms: str | list[str]) -> BroadcastOperator:
        """But none that is in one of ``rooms``."""
        target = attrs.evolve(self._target, excluded=self._target.excluded | _rooms(rooms))
        return attrs.evolve(self, target=target)

    @property
    def volatile(self) -> BroadcastOperator:
        """Events may be lost by clients that do not keep up."""
        return self.flagged(volatile=True)

    @property
    def local(self) -> BroadcastOperator:
        """Only sockets of this process."""
        return self.flagged(local=True)

    def compress(self, compress: bool) -> BroadcastOperator:
        """Whether compressing is worth it, where compression is on."""
        return self.flagged(compress=compress)

    def timeout(self, seconds: float) -> BroadcastOperator:
        """How long :meth:`emit_with_ack` waits."""
        return self.flagged(timeout=seconds)

    def emit(self, event: str, *args: Any) -> None:
        """Send an event. Who gets it is settled before this returns."""
        message = Message(
            (allowed(event), *args), volatile=self._flags.volatile, compress=self._flags.compress
        )
        self._namespace.adapter.broadcast(message, self._target, self._flags)

    def emit_with_ack(self, event: str, *args: Any) -> Deferred[list[Any]]:
        """Send an event and gather one answer of each socket; `AckTimeout` carries those that came in time."""
        message = Message((allowed(event), *args), compress=self._flags.compress, id=self._namespace.next_id())
        return self._namespace.adapter.broadcast_with_ack(message, self._target, self._flags)

    def fetch_sockets(self) -> Deferred[list[FetchedSocket]]:
        """These sockets, wherever they are; `AckTimeout` carries those that were told of in time."""
        return self._namespace.adapter.fetch(self._target, self._flags).addCallbacks(self._fetched, self._fetched_some)

    def sockets_join(self, *rooms: str | list[str]) -> None:
        """Make these sockets join ``rooms``."""
        self._namespace.adapter.join(self._target, self._flags, _writable(rooms))

    def sockets_leave(self, *rooms: str | list[str]) -> None:
        """Make these sockets leave ``rooms``."""
        self._namespace.adapter.leave(self._target, self._flags, _writable(rooms))

    def disconnect_sockets(self, close: bool = False) -> None:
        """Disconnect these sockets; with ``close``, close their connections."""
        self._namespace.adapter.disconnect(self._target, self._flags, close)

    def flagged(self, **flags: Any) -> BroadcastOperator:
        """See `Flags`."""
        return attrs.evolve(self, flags=attrs.evolve(self._flags, **flags))

    def _fetched(self, found: list[RemoteSocket]) -> list[FetchedSocket]:
        everybody = BroadcastOperator(self._namespace)
        return [
            FetchedSocket(each.id, each.rooms, each.data, each.handshake, everybody.to(each.id)) for each in found
        ]

    def _fetched_some(self, failure: Failure) -> Failure:
        if isinstance(failure.value, AckTimeout):
            failure.value.responses = self._fetched(failure.value.responses)
        return failure


class Broadcasting:
    """The operator's methods, for whatever stands for some sockets: a server, a namespace, all others but one."""

    __slots__ = ()

    def _operator(self) -> BroadcastOperator:
        raise NotImplementedError

    def to(self, *rooms: str | list[str]) -> BroadcastOperator:
        """The sockets in any of ``rooms``."""
        return self._operator().to(*rooms)

    in_ = to

    def except_(self, *rooms: str | list[str]) -> BroadcastOperator:
        """The sockets that are in none of ``rooms``."""
        return self._operator().except_(*rooms)

    @property
    def local(self) -> BroadcastOperator:
        """The sockets of this process."""
        return self._operator().local


class Emitting(Broadcasting):
    """As :class:`Broadcasting`, for what stands for sockets alone and not for one client."""

    @property
    def volatile(self) -> BroadcastOperator:
        """See `BroadcastOperator.volatile`."""
        return self._operator().volatile

    def compress(self, compress: bool) -> BroadcastOperator:
        """See `BroadcastOperator.compress`."""
        return self._operator().compress(compress)

    def timeout(self, seconds: float) -> BroadcastOperator:
        """See `BroadcastOperator.timeout`."""
        return self._operator().timeout(seconds)

    def emit(self, event: str, *args: Any) -> None:
        """Send an event to all sockets."""
        self._operator().emit(event, *args)

    def emit_with_ack(self, event: str, *args: Any) -> Deferred[list[Any]]:
        """Send an event to all sockets and gather their answers."""
        return self._operator().emit_with_ack(event, *args)

    def fetch_sockets(self) -> Deferred[list[FetchedSocket]]:
        """See `BroadcastOperator.fetch_sockets`."""
        return self._operator().fetch_sockets()

    def sockets_join(self, *rooms: str | list[str]) -> None:
        """Make all sockets join ``rooms``."""
        self._operator().sockets_join(*rooms)

    def sockets_leave(self, *rooms: str | list[str]) -> None:
        """Make all sockets leave ``rooms``."""
        self._operator().sockets_leave(*rooms)

    def disconnect_sockets(self, close: bool = False) -> None:
        """Disconnect all sockets."""
        self._operator().disconnect_sockets(close)
