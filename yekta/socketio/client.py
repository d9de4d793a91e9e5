"""One Engine.IO connection and its sockets: which namespaces it joins, and what it is told."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta import jsontext
from yekta.engineio.connection import PARSE_ERROR, STATE_OPEN, Connection
from yekta.ids import new_id
from yekta.socketio import packet as packets
from yekta.socketio.calls import cancel
from yekta.socketio.errors import ConnectError, OutOfPlace, ProtocolError
from yekta.socketio.message import EventFormat
from yekta.socketio.namespace import FAILED, Namespace, refusal
from yekta.socketio.packet import Packet
from yekta.socketio.parser import TEXT
from yekta.socketio.reasons import FORCED_SERVER_CLOSE
from yekta.socketio.receiving import Receiving
from yekta.socketio.socket import Socket

if TYPE_CHECKING:
    from yekta.socketio.server import Server

INVALID_NAMESPACE = ConnectError("Invalid namespace")
TOO_LONG = ConnectError("Too much auth")

# What most clients wait for, most of the time.
_NONE: Any = MappingProxyType({})


@attrs.define(eq=False)
class _Admission:
    """Somebody thinks about whether the client may join a namespace. ``anew``: the auth of the CONNECT that has come
    for the same namespace meanwhile, the last one's; ``None``: none has."""

    pending: Deferred[Any]
    anew: tuple[dict[str, Any] | None] | None = None


class Client(Receiving):
    """See the module. ``missed``: the bytes of all that it came back for. ``owner``: what the application keeps for the
    connection, whatever namespaces it is in."""

    __slots__ = ("_admissions", "missed", "owner")
    _log = Logger()

    def __init__(self, server: Server, connection: Connection) -> None:
        super().__init__(server, connection)
        self._admissions: dict[str, _Admission] = _NONE
        self.missed = 0
        self.owner: Any = None

    @property
    def open(self) -> bool:
        """Whether the connection is there to be spoken to."""
        return self.connection.state is STATE_OPEN

    def format(self, spelling: str, *, offsets: bool) -> EventFormat:
        """How events are written for this client."""
        return self.server.format(self._parser or TEXT, spelling, offsets)

    def connection_lost(self, reason: str, description: str) -> None:
        self.server.unidentified.stop(self)
        if self._decoder is not None:
            self.server.unfinished.stop(self)
        # The end of one that broke the protocol comes twice. Nothing is cancelled again that cleans up after itself.
        admissions, self._admissions = self._admissions, _NONE
        for admission in admissions.values():
            cancel(admission.pending)
        order, self._order = self._order, None
        if order is not None:
            order.stop()
        for socket in self.sockets:
            socket.lost(reason, description)

    def misbehaved(self, error: ProtocolError) -> None:
        """All ends at once, but the client still fetches what it was told before: that it was sent off, for one."""
        if self in self.server.unidentified:
            # A stranger has the time to join, and no more.
            self.connection.fail(PARSE_ERROR, str(error))
            return
        # Whoever was sent off from one namespace meanwhile loses nothing in its others, by Node's example.
        reason = FORCED_SERVER_CLOSE if isinstance(error, OutOfPlace) else PARSE_ERROR
        self.close(reason, str(error))
        # What was begun for it need not wait until the rest is fetched, and finds the connection closed.
        self.connection_lost(reason, str(error))

    # -- towards the client ----------------------------------------------------------------------------------

    def send(self, packet: Packet) -> None:
        """Send a packet. Raises :class:`ValueError` for what the parser cannot say."""
        for message in (self._parser or TEXT).encode(packet):
            self.connection.send(message)

    def welcome(self, spelling: str, format: EventFormat, facts: dict[str, str]) -> None:
        """Tell the client that it is in a namespace, by ``facts`` that Socket.IO 2 did not know of."""
        if self.connection.protocol == 3:
            self.send(Packet(packets.CONNECT, spelling))
        elif format.welcome is None:
            self.send(Packet(packets.CONNECT, spelling, facts))
        else:
            self.connection.send_encoded(format.welcome + jsontext.dumps(facts))

    def refuse(self, spelling: str, error: ConnectError) -> None:
        """Tell the client that it may not join, unless it has come again."""
        if self.begins_anew(spelling):
            return
        self.forget(spelling)
        try:
            self.send(refusal(spelling, error, self.connection.protocol))
        except ValueError:
            self._log.failure("A refusal cannot be written")
            self.send(refusal(spelling, ConnectError(FAILED), self.connection.protocol))

    def disconnect(self) -> None:
        """Leave every namespace, telling the client, which will not come back by itself, and close the connection."""
        for socket in self.sockets:
            socket.disconnect()
        self.connection.close()

    def close(self, reason: str, description: str = "") -> None:
        """Close the connection; the client will connect again."""
        for socket in self.sockets:
            socket.lost(reason, description)
        self.connection.close()

    def forget(self, spelling: str) -> None:
        """A namespace was left, or refused."""
        if self._plain is not None and self._plain.spelling == spelling:
            self._plain = None
        left = self.socket_in(spelling)
        if left is not None:
            if left is not self._first:
                self._others = tuple(each for each in self._others if each is not left)
            elif self._others:
                self._first, *others = self._others
                self._others = tuple(others)
            else:
                self._first = None
            if self._order is not None:
                self._order.disown(spelling)
        if self._admissions:
            self._admitted(spelling)

    # -- namespaces ------------------------------------------------------------------------------------------

    def connect(self, spelling: str, auth: dict[str, Any] | None) -> None:
        if len(spelling) > self.server.settings.max_namespace_length:
            raise ProtocolError("namespace too long")
        if self.socket_in(spelling) is not None:
            raise OutOfPlace("CONNECT twice")
        if spelling in self._admissions:
            # socket.io-client gives up without a word where it was not let in yet, and may come again.
            self._admissions[spelling].anew = (auth,)
            return
        if auth is None:
            self.refuse(spelling, TOO_LONG)
            return
        joined = 0 if self._first is None else 1 + len(self._others)
        if joined + len(self._admissions) >= self.server.settings.max_namespaces:
            self.refuse(spelling, INVALID_NAMESPACE)
            return
        found = self.server.find(spelling, auth)
        # Not whether it is a Deferred: that is an abstract class, which takes ten times as long to ask.
        if found is None or isinstance(found, Namespace):
            self._join(found, spelling, auth)
            return
        self._admit(spelling, found)
        found.addCallbacks(self._join, self._not_found, (spelling, auth), errbackArgs=(spelling,))

    def awaits(self, spelling: str) -> bool:
        """Whether the client is there to be told about the CONNECT that is thought about, and has sent no other."""
        return self.open and (spelling not in self._admissions or self._admissions[spelling].anew is None)

    def begins_anew(self, spelling: str) -> bool:
        """Whether the client has come again for what was thought about. Then it is thought about from the beginning,
        and only now, so that nobody has us think about many at a time."""
        admission = self._admissions.get(spelling)
        if admission is None or admission.anew is None or not self.open:
            return False
        self._admitted(spelling)
        self.connect(spelling, *admission.anew)
        return True

    def joined(self, spelling: str, socket: Socket) -> None:
        """The client is in a namespace from here on."""
        if self._admissions:
            self._admitted(spelling)
        if self._first is None:
            self._first = socket
        else:
            self._others = (*self._others, socket)
        if spelling == "/" and self._parser is TEXT:
            self._plain = socket
        self.server.unidentified.stop(self)

    def _admit(self, spelling: str, admission: Deferred[Any]) -> None:
        if not self._admissions:
            self._admissions = {}
        self._admissions[spelling] = _Admission(admission)

    def _admitted(self, spelling: str) -> None:
        if spelling in self._admissions:
            del self._admissions[spelling]
            self._admissions = self._admissions or _NONE

    def _join(self, namespace: Namespace | None, spelling: str, auth: dict[str, Any]) -> None:
        if self._admissions and self.begins_anew(spelling):
            if namespace is not None:
                # It may have been made for this client, which may have been refused now.
                namespace.clean_up()
            return
        if namespace is None:
            self.refuse(spelling, INVALID_NAMESPACE)
            return
        admission = namespace.admit(self.server.make_socket(namespace, self, spelling, auth))
        if admission is not None and not admission.called:
            self._admit(spelling, admission)

    def _not_found(self, failure: Failure, spelling: str) -> None:
        if self.open or not failure.check(CancelledError):
            self._log.failure("A namespace predicate failed", failure)
            self.refuse(spelling, INVALID_NAMESPACE)

    def make_id(self, namespace: str) -> str:
        """An id for a socket of this client; Socket.IO 2 derived it from the connection's."""
        if self.connection.protocol == 3:
            return self.connection.sid if namespace == "/" else f"{namespace}#{self.connection.sid}"
        return new_id()
