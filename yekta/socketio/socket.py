"""One client in one namespace, as the application sees it.

    connecting ──middlewares agree──▶ connected ──either side leaves──▶ disconnected
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, fail

from yekta import jsontext
from yekta.socketio import packet as packets
from yekta.socketio.acks import Acks, Answered
from yekta.socketio.adapter import RemoteSocket, Restored, Target
from yekta.socketio.broadcast import Broadcasting, BroadcastOperator
from yekta.socketio.calls import call, dispatch, log
from yekta.socketio.errors import Disconnected
from yekta.socketio.flagged import FlaggedSocket, TimedSocket
from yekta.socketio.handshake import Handshake, redacted
from yekta.socketio.listeners import ignore
from yekta.socketio.listening import NOBODY, Listening
from yekta.socketio.message import Message
from yekta.socketio.packet import RESERVED, Packet, allowed, reserved
from yekta.socketio.recovery import RECOVERABLE, Session

if TYPE_CHECKING:
    from yekta.socketio.client import Client
    from yekta.socketio.namespace import Namespace

CLIENT_DISCONNECT, SERVER_DISCONNECT = "client namespace disconnect", "server namespace disconnect"
SHUTTING_DOWN = "server shutting down"


class Socket(Listening, Broadcasting):
    """``id``: unknown to others. ``data``: whatever the application wants to keep with the socket.

    ``recovered``: whether the client came back and was given its old id, rooms, data and what it missed.
    """

    __slots__ = (
        "__weakref__",
        "_acks",
        "_alone",
        "_connection",
        "_data",
        "_early_rooms",
        "_format",
        "_leaving",
        "_sent",
        "_since",
        "client",
        "connected",
        "handshake",
        "id",
        "namespace",
        "pid",
        "recovered",
        "spelling",
    )

    def __init__(self, namespace: Namespace, client: Client, spelling: str, handshake: Handshake, id: str) -> None:
        super().__init__()
        self.id = id
        self.namespace = namespace
        self.client = client
        self.handshake = handshake
        self._data: dict[str, Any] | None = None
        self.connected = False
        self.recovered = False
        self.spelling = spelling
        self._leaving = False
        self._early_rooms: tuple[str, ...] = ()
        self.pid: str | None = None
        self._format = client.format(spelling, offsets=False)
        self._acks: Acks | None = None
        self._connection = client.connection
        self._since = self._sent = 0
        self._alone: Target | None = None

    @property
    def data(self) -> dict[str, Any]:
        """See the class."""
        if self._data is None:
            self._data = {}
        return self._data

    # -- speaking ------------------------------------------------------------------------------------------

    def emit(self, event: str, *args: Any) -> None:
        """Send an event to this client. Raises :class:`ValueError` for what the parser cannot say."""
        if event in RESERVED:
            raise reserved(event)
        said: tuple[Any, ...] = (event, *args)
        message = None if self.pid is None else self.recorded(said)
        head = self._format.head
        if self.connected and head is not None and not self.audience.outgoing:
            # Nobody shares it: it need not be written for many. As `EventFormat.text`, without a call.
            if message is not None and message.offset is not None:
                said = (*said, message.offset)
            try:
                text = head + jsontext.dumps(said)
            except jsontext.Unsayable:
                # Attachments, which the parser knows how to send, or what nobody can say.
                pass
            else:
                if message is not None:
                    self._sent = message.number
                express = self._connection.express
                (self._connection if express is None else express).send_encoded(text)
                return
        self.deliver(message or Message(said))

    def emit_with_ack(self, event: str, *args: Any, timeout: float | None = None) -> Deferred[Any]:
        """Send an event; fires with the client's answer (a list, if it gave several values).

        Fails with `AckTimeout` after ``timeout`` seconds, and with `Disconnected`.
        """
        if not self.connected:
            return fail(Disconnected())
        number = self.namespace.next_id()
        message = Message((allowed(event), *args), id=number)
        # Nobody waits for the answer to what cannot be said.
        message.encoded(self._format)
        answer = self._owed().wait(number, timeout)
        self.deliver(message)
        return answer

    def timeout(self, seconds: float) -> TimedSocket:
        """``socket.timeout(5).emit_with_ack(…)``, as Node's users write it."""
        return TimedSocket(self, seconds)

    @property
    def volatile(self) -> FlaggedSocket:
        """``socket.volatile.emit(…)``: dropped where the client does not keep up."""
        return FlaggedSocket(self, volatile=True)

    def compress(self, compress: bool) -> FlaggedSocket:
        """``socket.compress(False).emit(…)``: whether compressing is worth it, where compression is on."""
        return FlaggedSocket(self, compress=compress)

    @property
    def broadcast(self) -> BroadcastOperator:
        """All others in the namespace."""
        return self._operator()

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self.namespace, Target(excluded=frozenset((self.id,))))

    def recorded(self, args: Sequence[Any], **flags: Any) -> Message:
        """An event for this client alone, in the history where it may be recovered."""
        message = Message(args, **flags)
        if self.pid is not None:
            if self._alone is None:
                self._alone = Target(frozenset((self.id,)))
            self.namespace.adapter.record(message, self._alone)
        return message

    # -- rooms ---------------------------------------------------------------------------------------------

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms this socket is in now; its own, named by its id, among them."""
        return frozenset(self.namespace.adapter.rooms.of(self))

    def join(self, *rooms: str) -> None:
        """Enter ``rooms``; in a middleware, once the socket is connected."""
        if self.connected:
            self.namespace.adapter.add(self, rooms)
        elif not self._leaving:
            self._early_rooms = (*self._early_rooms, *rooms)

    def leave(self, room: str) -> None:
        """Leave ``room``."""
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
            self.lost(SERVER_DISCONNECT)

    # -- Member: for adapters --------------------------------------------------------------------------------

    def deliver(self, message: Message) -> None:
        if not self.connected:
            return
        for function in self.audience.outgoing:
            call(function, *message.args)
        if message.volatile and not self.client.flowing:
            return
        # Those that are not in the history have the number 0.
        if message.number > self._sent:
            self._sent = message.number
        self._connection.send_prepared(message.encoded(self._format))

    def ask(self, message: Message, answered: Answered) -> Callable[[], None] | None:
        if message.id is None or not self.connected:
            return None
        number = message.id
        message.encoded(self._format)
        acks = self._owed()
        acks.call(number, answered)
        self.deliver(message)
        return lambda: acks.forget(number)

    def describe(self) -> RemoteSocket:
        return RemoteSocket(self.id, self.rooms, dict(self.data), redacted(self.handshake))

    # -- for the namespace and the client ----------------------------------------------------------------------

    def recover(self, restored: Restored) -> None:
        """Become the socket that the client had before."""
        session = restored.session
        self.id, self.pid, self._data = session.id, session.pid, session.data
        self._since = restored.position
        self.recovered = True

    def opened(self, rooms: Collection[str], missed: Collection[Message]) -> None:
        """The middlewares agree: from here on the application may use the socket.

        A client that comes back is told what it missed before its CONNECT: it expects it so.
        """
        self.connected = True
        self.client.joined(self.spelling, self)
        self.join(self.id, *rooms, *self._early_rooms)
        if self.pid is not None:
            self._format = self.client.format(self.spelling, offsets=True)
            if not self.recovered:
                self._since = self.namespace.adapter.last_number
        for message in missed:
            # One that cannot be said keeps nobody from coming back.
            with suppress(ValueError):
                self._connection.send_prepared(message.encoded(self._format))
                self._sent = message.number
        self.client.send(Packet(packets.CONNECT, self.spelling, self._welcome()))

    def event_received(self, args: list[Any], id: int | None) -> Deferred[Any] | None:
        """An event. Gives what the client has to wait for before its next one."""
        if not self.connected:
            # It has left while this event waited for its turn.
            return None
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

    def ack_received(self, id: int, args: list[Any]) -> None:
        """An answer; those that nobody waits for are ignored."""
        if self._acks is not None:
            self._acks.received(id, args)

    def lost(self, reason: str, description: str = "") -> None:
        """The client has left, or was made to."""
        if not self.connected or self._leaving:
            return
        self._leaving = True
        self.tell("disconnecting", reason, description)
        if self.pid is not None and reason in RECOVERABLE:
            self.namespace.adapter.keep(self._session(self.pid))
        self.connected = False
        self.namespace.remove(self)
        self.client.forget(self.spelling)
        if self._acks is not None:
            self._acks.close()
        self.tell("disconnect", reason, description)
        if self.owner is not None:
            call(self.owner.left, reason)
        # What an application hung on the socket goes with it.
        Listening.__init__(self)

    def tell(self, event: str, *args: Any) -> bool:
        """Call the listeners of an event of the socket's own. Says whether there were any."""
        listeners = self.audience.listeners.of(event)
        for listener in listeners:
            call(listener.call, args, ignore)
        return bool(listeners)

    def _welcome(self) -> dict[str, Any] | None:
        if self.client.protocol == 3:
            return None
        return {"sid": self.id} if self.pid is None else {"sid": self.id, "pid": self.pid}

    def _session(self, pid: str) -> Session:
        adapter = self.namespace.adapter
        now = self.namespace.server.clock.seconds()
        return Session(pid, self.id, self.rooms, self.data, self._since, self._sent, adapter.last_number, now)

    def _owed(self) -> Acks:
        if self._acks is None:
            server = self.namespace.server
            self._acks = Acks(server.clock, server.settings.max_acks)
        return self._acks

    def _acker(self, id: int) -> Callable[..., None]:
        answered = False

        def ack(*args: Any) -> None:
            nonlocal answered
            if not answered and self.connected:
                answered = True
                self.client.send(Packet(packets.ACK, self.spelling, list(args), id))

        return ack
