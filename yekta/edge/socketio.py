"""The Socket.IO door: the library's sockets as peers of the application."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from typing import Any, cast

from yekta.app.budget import Budget
from yekta.app.counselor import NOTICE
from yekta.app.dispatcher import Acknowledging, Dispatcher
from yekta.app.hub import Hub
from yekta.app.peer import Peer
from yekta.app.sessions import Session, Sessions
from yekta.edge.login import INVALID_TOKEN, NotAuthenticated, authenticate
from yekta.engineio.connection import SLOW_CONSUMER
from yekta.socketio.errors import ConnectError
from yekta.socketio.listeners import ignore
from yekta.socketio.reasons import SHUTTING_DOWN
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

# socket.io-client takes a URL's path for the namespace; these are what users of the old guide connect to.
ALIASES = dict.fromkeys(("/socket.io", "/socket.io/", "/ws", "/ws/"), "/")


class SocketPeer(Peer):
    """A peer behind a Socket.IO socket."""

    __slots__ = ("_door", "_socket", "id")
    protocol = "socketio"
    id: str

    def __init__(self, session: Session, token: str, socket: Socket, door: SocketDoor) -> None:
        super().__init__(session, token)
        self.id = socket.id
        self._socket = socket
        self._door = door

    @property
    def address(self) -> str:
        return self._socket.client.connection.request.address

    @property
    def transport(self) -> str:
        return self._socket.client.connection.transport.name

    @property
    def flowing(self) -> bool:
        return self._socket.client.connection.flowing

    @property
    def budget(self) -> Budget:
        """The connection's, which may be in several namespaces, and leave and join them as it likes."""
        client = self._socket.client
        if client.owner is None:
            client.owner = Budget()
        return cast(Budget, client.owner)

    @property
    def rooms(self) -> Collection[str]:
        return [room for room in self._socket.rooms if room != self.id]

    def join(self, *rooms: str) -> None:
        self._socket.join(*rooms)

    def emit(self, event: str, data: Any) -> None:
        self._socket.emit(event, data)

    def session_ended(self, reason: str) -> None:
        self._socket.disconnect(close=True)

    def event_received(self, event: str, args: list[Any], ack: Callable[..., None]) -> None:
        """Called by the socket for every event."""
        door = self._door
        door.touch(self.session.id)
        reply = self._socket.emit if ack is ignore else AcknowledgedReply(self, ack)
        door.dispatch(self, event, args[0] if args else None, reply)

    def left(self, reason: str, description: str) -> None:
        """Called by the socket once it has left."""
        if self._socket.pid is not None:
            # Whose it was and where its client had come, should it be recovered.
            self._socket.data["session"] = self.session.id
            self._socket.data["following"] = {name: each.seq for name, each in (self.following or {}).items()}
        # As of a native client; a transport error is also many a one that leaves by itself.
        self._door.hub.depart(self, SLOW_CONSUMER if description == SLOW_CONSUMER else reason)

    def send_away(self) -> None:
        # Without a DISCONNECT packet, after which socket.io-client stays away.
        self._socket.client.close(SHUTTING_DOWN)


class SocketDoor:
    """Lets the application's sessions into a Socket.IO server, and hands their events to the dispatcher."""

    def __init__(self, server: Server, sessions: Sessions, hub: Hub, dispatcher: Dispatcher) -> None:
        self.hub = hub
        self.touch = hub.touch
        self.dispatch = dispatcher.dispatch
        self._sessions = sessions
        # A recovered connection is asked for its session too, which may have ended meanwhile; and first, or strangers
        # would have all processes look for what nobody has lost.
        server.use(self._authenticate, always=True, first=True)
        server.on_connection(self._connected)

    def _authenticate(self, socket: Socket) -> Coroutine[Any, Any, None] | None:
        token = token_of(socket)
        session = self._sessions.cached(token)
        if session is None:
            return self._look_up(socket, token)
        self._let_in(socket, token, session)
        return None

    async def _look_up(self, socket: Socket, token: str | None) -> None:
        try:
            session = await authenticate(self._sessions, token)
        except NotAuthenticated as refusal:
            raise ConnectError(refusal.message) from None
        self._let_in(socket, token, session)

    def _let_in(self, socket: Socket, token: str | None, session: Session) -> None:
        if socket.recovered and socket.data.get("session") != session.id:
            raise ConnectError(INVALID_TOKEN)
        socket.owner = SocketPeer(session, token or "", socket, self)

    def _connected(self, socket: Socket) -> None:
        # From here on the session stands for it; what else is in it was for recovery, which is over.
        socket.forget_auth()
        peer: Any = socket.owner
        following = socket.data.pop("following", {}) if socket.recovered else {}
        self.hub.arrive(peer)
        for message_id, seq in following.items():
            # Recovery has brought it all that it was sent before; the rest follows as if it had asked.
            self.dispatch(peer, "ai:resume", {"messageId": message_id, "seq": seq}, peer.emit)


def token_of(socket: Socket) -> str | None:
    """The token of a CONNECT packet, else of the query, else of the headers; only text counts."""
    token = socket.auth.get("token")
    if token and isinstance(token, str):
        return token
    request = socket.client.connection.request
    return request.query.get("token") or request.bearer()


class AcknowledgedReply(Acknowledging):
    """Emits, and acknowledges with the first event's data."""

    def __init__(self, peer: Peer, ack: Callable[..., None]) -> None:
        self._peer = peer
        self._ack = ack

    def acknowledge(self, data: Any) -> None:
        self._ack(data)

    def __call__(self, event: str, data: Any) -> None:
        self._peer.emit(event, data)
        if event != NOTICE:
            self._ack(data)
