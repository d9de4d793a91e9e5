"""One client in one namespace, as the application sees it.

    connecting ──middlewares agree──▶ connected ──either side leaves──▶ disconnected
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred, fail

from yekta.socketio import packet as packets
from yekta.socketio.acks import Acks, Answered
from yekta.socketio.adapter import RemoteSocket, Target
from yekta.socketio.broadcast import Broadcasting, BroadcastOperator, allowed
from yekta.socketio.calls import call, dispatch
from yekta.socketio.errors import Disconnected
from yekta.socketio.listeners import Function, Listeners, ignore
from yekta.socketio.message import Message
from yekta.socketio.packet import Packet

if TYPE_CHECKING:
    from yekta.socketio.client import Client
    from yekta.socketio.namespace import Namespace

CLIENT_DISCONNECT, SERVER_DISCONNECT = "client namespace disconnect", "server namespace disconnect"
SERVER_CLOSE, SHUTTING_DOWN = "forced server close", "server shutting down"


@attrs.frozen
class Handshake:
    """How the client came: facts of its first request, and the ``auth`` that it sent to this namespace."""

    headers: dict[str, str] = attrs.field(repr=False)
    query: dict[str, str] = attrs.field(repr=False)
    auth: dict[str, Any] = attrs.field(repr=False)
    address: str
    secure: bool
    cross_domain: bool
    url: str = attrs.field(repr=False)
    issued: int
    time: str


class Socket(Broadcasting):
    """``id``: unknown to others. ``data``: whatever the application wants to keep with the socket."""

    def __init__(self, namespace: Namespace, client: Client, spelling: str, handshake: Handshake, id: str) -> None:
        self.id = id
        self.namespace = namespace
        self.client = client
        self.handshake = handshake
        self.data: dict[str, Any] = {}
        self.connected = False
        self.recovered = False
        self.spelling = spelling
        self._format = namespace.server.format(spelling)
        self.listeners = Listeners()
        self.incoming: list[Callable[..., Any]] = []
        self._outgoing: list[Callable[..., Any]] = []
        self.middlewares: list[Callable[..., Any]] = []
        self.fallback: Callable[[str, list[Any], Callable[..., None]], Any] | None = None
        self._acks = Acks(namespace.server.clock, namespace.server.settings.max_acks)

    # -- listening -----------------------------------------------------------------------------------------

    def on(self, event: str) -> Callable[[Function], Function]:
        """Decorator: call a function for every ``event``; ``disconnecting`` and ``disconnect`` get the reason."""
        return self._adder(event, once=False)

    def once(self, event: str) -> Callable[[Function], Function]:
        """Decorator: call a function for the next ``event`` only."""
        return self._adder(event, once=True)

    def off(self, event: str | None = None, function: Callable[..., Any] | None = None) -> None:
        """Forget a listener, all of an event, or all."""
        self.listeners.remove(event, function)

    def on_any(self, function: Function) -> Function:
        """Call ``function(event, *args)`` for every event that comes in, before its listeners."""
        self.incoming.append(function)
        return function

    def on_any_outgoing(self, function: Function) -> Function:
        """Call ``function(event, *args)`` for every event that goes out."""
        self._outgoing.append(function)
        return function

    def prepend_any(self, function: Function) -> Function:
        """As :meth:`on_any`, before those that are there."""
        self.incoming.insert(0, function)
        return function

    def prepend_any_outgoing(self, function: Function) -> Function:
        """As :meth:`on_any_outgoing`, before those that are there."""
        self._outgoing.insert(0, function)
        return function

    def off_any(self, function: Callable[..., Any] | None = None) -> None:
        """Forget one incoming catch-all, or all."""
        self.incoming[:] = [each for each in self.incoming if function is not None and each != function]

    def off_any_outgoing(self, function: Callable[..., Any] | None = None) -> None:
        """Forget one outgoing catch-all, or all."""
        self._outgoing[:] = [each for each in self._outgoing if function is not None and each != function]

    def otherwise(self, function: Callable[[str, list[Any], Callable[..., None]], Any]) -> None:
        """Call ``function(event, args, ack)`` for every event that has no listener."""
        self.fallback = function

    def use(self, middleware: Function) -> Function:
        """Call ``middleware(event, args)`` before each event's listeners; an exception keeps the event from them."""
        self.middlewares.append(middleware)
        return middleware

    def _adder(self, event: str, *, once: bool) -> Callable[[Function], Function]:
        def add(function: Function) -> Function:
            self.listeners.add(event, function, once=once)
            return function

        return add

    # -- speaking ------------------------------------------------------------------------------------------

    def emit(self, event: str, *args: Any) -> None:
        """Send an event to this client. Raises :class:`ValueError` for what the parser cannot say."""
        self.deliver(Message([allowed(event), *args]))

    def emit_with_ack(self, event: str, *args: Any, timeout: float | None = None) -> Deferred[Any]:
        """Send an event; fires with the client's answer (a list, if it gave several values).

        Fails with `AckTimeout` after ``timeout`` seconds, and with `Disconnected`.
        """
        if not self.connected:
            return fail(Disconnected())
        number = self.namespace.next_id()
        answer = self._acks.wait(number, timeout)
        self.deliver(Message([allowed(event), *args], id=number))
        return answer

    def timeout(self, seconds: float) -> TimedSocket:
        """``socket.timeout(5).emit_with_ack(…)``, as Node's users write it."""
        return TimedSocket(self, seconds)

    @property
    def volatile(self) -> VolatileSocket:
        """``socket.volatile.emit(…)``: dropped where the client does not keep up."""
        return VolatileSocket(self)

    @property
    def broadcast(self) -> BroadcastOperator:
        """All others in the namespace."""
        return self._operator()

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self.namespace, Target(excluded=frozenset((self.id,))))

    # -- rooms ---------------------------------------------------------------------------------------------

    @property
    def rooms(self) -> Collection[str]:
        """The rooms this socket is in; its own, named by its id, among them."""
        return self.namespace.adapter.rooms.of(self)

    def join(self, *rooms: str) -> None:
        """Enter ``rooms``."""
        if self.connected:
            self.namespace.adapter.add(self, rooms)

    def leave(self, room: str) -> None:
        """Leave ``room``."""
        self.namespace.adapter.remove(self, room)

    # -- leaving -------------------------------------------------------------------------------------------

    def disconnect(self, close: bool = False) -> None:
        """Leave the namespace; with ``close``, close the client's connection and so all its sockets."""
        if not self.connected:
            return
        if close:
            self.client.disconnect(SERVER_CLOSE)
        else:
            self.client.send(Packet(packets.DISCONNECT, self.spelling))
            self.lost(SERVER_DISCONNECT)

    # -- Member: for adapters --------------------------------------------------------------------------------

    def deliver(self, message: Message) -> None:
        if self._outgoing:
            for function in tuple(self._outgoing):
                function(*message.args)
        if not message.volatile or self.client.flowing:
            self.client.send_prepared(message.encoded(self._format))

    def ask(self, message: Message, answered: Answered) -> Callable[[], None] | None:
        if message.id is None:
            return None
        number = message.id
        self._acks.call(number, answered)
        self.deliver(message)
        return lambda: self._acks.forget(number)

    def describe(self) -> RemoteSocket:
        return RemoteSocket(self.id, frozenset(self.rooms), self.data, attrs.asdict(self.handshake))

    # -- for the client --------------------------------------------------------------------------------------

    def opened(self) -> None:
        """The middlewares agree: from here on the application may use the socket."""
        self.connected = True
        self.client.joined(self.spelling, self)
        self.join(self.id)
        self.client.send(Packet(packets.CONNECT, self.spelling, {"sid": self.id}))

    def event_received(self, args: list[Any], id: int | None) -> Deferred[Any] | None:
        """An event. Gives what the client has to wait for before its next one."""
        event, *rest = args
        name = event if isinstance(event, str) else f"{event:g}"
        return dispatch(self, name, rest, ignore if id is None else self._acker(id))

    def ack_received(self, id: int, args: list[Any]) -> None:
        """An answer; those that nobody waits for are ignored."""
        self._acks.received(id, args)

    def lost(self, reason: str, description: str = "") -> None:
        """The client has left, or was made to."""
        if not self.connected:
            return
        self.tell("disconnecting", reason, description)
        self.connected = False
        self.namespace.remove(self)
        self.client.forget(self.spelling)
        self._acks.close()
        self.tell("disconnect", reason, description)
        self.listeners.remove()

    def tell(self, event: str, *args: Any) -> None:
        """Call the listeners of an event of the socket's own."""
        for listener in self.listeners.of(event):
            call(listener.call, args, ignore)

    def _acker(self, id: int) -> Callable[..., None]:
        answered = False

        def ack(*args: Any) -> None:
            nonlocal answered
            if not answered and self.connected:
                answered = True
                self.client.send(Packet(packets.ACK, self.spelling, list(args), id))

        return ack


@attrs.frozen
class TimedSocket:
    """A socket whose acknowledgements must come within ``seconds``."""

    _socket: Socket
    _seconds: float

    def emit_with_ack(self, event: str, *args: Any) -> Deferred[Any]:
        """See :meth:`Socket.emit_with_ack`."""
        return self._socket.emit_with_ack(event, *args, timeout=self._seconds)


@attrs.frozen
class VolatileSocket:
    """A socket whose events may be dropped."""

    _socket: Socket

    def emit(self, event: str, *args: Any) -> None:
        """See :meth:`Socket.emit`."""
        self._socket.deliver(Message([allowed(event), *args], volatile=True))
