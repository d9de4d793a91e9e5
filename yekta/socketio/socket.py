"""One client in one namespace, as the application sees it.

    connecting ──middlewares agree──▶ connected ──either side leaves──▶ disconnected
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from yekta.rooms import room_name
from yekta.socketio import packet as packets
from yekta.socketio.adapter import RemoteSocket, Restored
from yekta.socketio.calls import call, dispatch, log
from yekta.socketio.handshake import Handshake, redacted
from yekta.socketio.kept import Kept
from yekta.socketio.listeners import ignore
from yekta.socketio.listening import NOBODY
from yekta.socketio.packet import Packet
from yekta.socketio.reasons import RECOVERABLE, SERVER_DISCONNECT
from yekta.socketio.recovery import Session
from yekta.socketio.speaking import Speaking

if TYPE_CHECKING:
    from yekta.socketio.client import Client
    from yekta.socketio.namespace import Namespace

# The auth of those whose own has served.
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Socket(Speaking):
    """``id``: unknown to others. ``data``: whatever the application wants to keep with the socket.

    ``auth``: what the client sent with its CONNECT. ``came``: when, in POSIX seconds.
    ``recovered``: whether the client came back and was given its old id, rooms, data and what it missed.
    """

    __slots__ = (
        "_data",
        "_early_rooms",
        "_leaving",
        "_since",
        "auth",
        "came",
        "recovered",
    )

    def __init__(
        self, namespace: Namespace, client: Client, spelling: str, id: str, auth: Mapping[str, Any], came: float
    ) -> None:
        super().__init__(namespace, client, spelling, id)
        self.auth = auth
        self.came = came
        self.recovered = False
        self._data: dict[str, Any] | None = None
        self._leaving = False
        self._early_rooms: tuple[str, ...] = ()
        self._since = 0

    @property
    def handshake(self) -> Handshake:
        """How the client came. Made anew: few ask, and all would have to keep it."""
        return Handshake(self.client.connection.request, self.auth, self.came)

    def forget_auth(self) -> None:
        """Drop ``auth``, which has served: it may hold secrets, and much more."""
        self.auth = _NOTHING

    @property
    def data(self) -> dict[str, Any]:
        """See the class."""
        if self._data is None:
            self._data = {}
        return self._data

    # -- rooms ---------------------------------------------------------------------------------------------

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms this socket is in now; its own, named by its id, among them."""
        return frozenset(self.namespace.adapter.rooms.of(self))

    def join(self, *rooms: str) -> None:
        """Enter ``rooms``; in a middleware, once the socket is connected."""
        for room in rooms:
            if type(room) is not str:
                room_name(room)
        if self.connected:
            self.namespace.adapter.add(self, rooms)
        elif not self._leaving:
            self._early_rooms = (*self._early_rooms, *rooms)

    def leave(self, room: str) -> None:
        """Leave ``room``."""
        if type(room) is not str:
            room_name(room)
        self.namespace.adapter.remove(self, room)

    # -- leaving -------------------------------------------------------------------------------------------

    def disconnect(self, close: bool = False) -> None:
        """Leave the namespace; with ``close``, close the client's connection and so all its sockets."""
        if not self.connected or self._leaving:
            return
        if close:
            self.client.disconnect()
        else:
            self.client.send(Packet(packets.DISCONNECT, self.spelling))
            self.client.sent_off(self.spelling)
            self.lost(SERVER_DISCONNECT)

    def describe(self) -> RemoteSocket:
        return RemoteSocket(self.id, self.rooms, dict(self.data), redacted(self.handshake))

    # -- for the namespace and the client ----------------------------------------------------------------------

    def recover(self, restored: Restored) -> None:
        """Become the socket that the client had before."""
        session = restored.session
        self.id, self.pid, self._data = session.id, session.pid, session.data
        self._since = restored.position
        self.recovered = True

    def opened(self, rooms: Collection[str], missed: Sequence[Kept]) -> None:
        """The middlewares agree: from here on the application may use the socket.

        A client that comes back is told what it missed after its CONNECT. Node sends that last; but socket.io-client
        keeps what comes before it for the next CONNECT, and hears it twice where it is cut in between.
        """
        self.connected = True
        self.client.joined(self.spelling, self)
        self.namespace.adapter.add(self, (self.id, *rooms, *self._early_rooms))
        if self.pid is not None:
            self._format = self.client.format(self.spelling, offsets=True)
            if self.connected:
                self.namespace.adapter.expect(self.id)
            if not self.recovered:
                self._since = self.namespace.adapter.last_number
        if missed:
            # Owed from here on: a client that is cut before it is told may come back for it.
            self._sent = missed[-1].number
        welcome = {"sid": self.id} if self.pid is None else {"sid": self.id, "pid": self.pid}
        self.client.welcome(self.spelling, self._format, welcome)
        for event in missed:
            # One that cannot be said keeps nobody from coming back.
            with suppress(ValueError):
                self._connection.send_prepared(self._format.again(event))

    def event_received(self, args: list[Any], id: int | None) -> Deferred[Any] | None:
        """An event. Gives what the client has to wait for before its next one."""
        event = args[0]
        if type(event) is not str:
            event = str(event) if isinstance(event, int) else f"{event:.15g}"
        ack = ignore if id is None else self._acker(id)
        if self.owner is None or self.audience is not NOBODY:
            return dispatch(self, event, args[1:], ack)
        try:
            self.owner.event_received(event, args[1:], ack)
        except Exception:
            log.failure("An owner failed")
        return None

    def lost(self, reason: str, description: str = "") -> None:
        """The client has left, or was made to."""
        if not self.connected or self._leaving:
            return
        self._leaving = True
        if self.audience is not NOBODY:
            self.tell("disconnecting", reason, description)
        if self.pid is not None:
            if reason in RECOVERABLE:
                self.namespace.adapter.keep(self._session(self.pid))
            else:
                self.namespace.adapter.forget(self.id)
        self.connected = False
        self.namespace.remove(self)
        self.client.forget(self.spelling)
        if self._acks is not None:
            self._acks.close()
        if self.audience is not NOBODY:
            self.tell("disconnect", reason, description)
        if self.owner is not None:
            call(self.owner.left, reason, description)
        # What an application hung on the socket goes with it.
        self.audience, self.owner = NOBODY, None

    def tell(self, event: str, *args: Any) -> bool:
        """Call the listeners of an event of the socket's own. Says whether there were any."""
        listeners = self.audience.listeners.of(event)
        for listener in listeners:
            call(listener.call, args, ignore)
        return bool(listeners)

    def _session(self, pid: str) -> Session:
        adapter = self.namespace.adapter
        now = self.namespace.server.clock.seconds()
        return Session(pid, self.id, self.rooms, self.data, self._since, self._sent, adapter.last_number, now)
