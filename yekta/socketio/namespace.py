"""A namespace: its middlewares, its sockets, its adapter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta.engineio.connection import TRANSPORT_CLOSE
from yekta.eventually import known
from yekta.ids import new_id
from yekta.socketio import packet as packets
from yekta.socketio.adapter import Adapter, Restored
from yekta.socketio.broadcast import BroadcastOperator, Emitting
from yekta.socketio.calls import ask, call, cancel, failed
from yekta.socketio.errors import ConnectError
from yekta.socketio.listeners import Function, Listeners, ignore
from yekta.socketio.packet import Packet, named, reserved
from yekta.socketio.socket import Socket
from yekta.socketio.welcoming import Middleware, Welcoming

if TYPE_CHECKING:
    from yekta.socketio.parent import ParentNamespace
    from yekta.socketio.server import Server

# What a client is told where a middleware failed without saying why.
FAILED = "Internal error"

# Other servers may be Node's, which would take these for a client that has come.
_RESERVED = frozenset(("connect", "connection", "new_namespace"))

# Of what may wait for a client, so much may be what it missed: CONNECT, and all else that it is told when it comes,
# waits beside it.
MISSED_SHARE = 15 / 16


class Namespace(Welcoming, Emitting):
    """``name`` begins with ``/``. ``was_joined``: there has been a socket."""

    _log = Logger()

    def __init__(self, server: Server, name: str, parent: ParentNamespace | None = None) -> None:
        super().__init__()
        self.server = server
        self.name = name
        # Its one observer, once somebody listens to it: most that happens to rooms is nobody's concern.
        self.adapter_observers: list[Callable[..., object]] = []
        self.adapter: Adapter = server.make_adapter(self)
        self._adapter_events = Listeners()
        self.server_events = Listeners()
        self.was_joined = False
        self._parent = parent
        self._recoverable: dict[str, Socket] = {}
        self._admissions = 0
        self._ids = 0

    def next_id(self) -> int:
        """A number for an acknowledgement; one counter, so that a broadcast has one number for all."""
        self._ids += 1
        return self._ids

    # -- between servers -------------------------------------------------------------------------------------

    def on_server_side(self, event: str) -> Callable[[Function], Function]:
        """Decorator: call a function for ``event`` when another server emits it; what it returns is its answer."""

        def add(function: Function) -> Function:
            self.server_events.add(event, function)
            return function

        return add

    def server_side_emit(self, event: str, *args: Any) -> None:
        """Tell all other servers of the cluster."""
        self.adapter.server_side_emit([_told(event), *args], None)

    def server_side_emit_with_ack(self, event: str, *args: Any, timeout: float = 5.0) -> Deferred[list[Any]]:
        """Tell all other servers, and gather their answers."""
        return self.adapter.server_side_emit([_told(event), *args], timeout)

    def server_emitted(self, args: Sequence[Any]) -> Any:
        """Another server emits: told by the adapter. Gives a Deferred of its first listener's answer, if any."""
        event, *rest = args
        listeners = self.server_events.of(str(event))
        answers = [ask(listener, rest) for listener in listeners]
        for answer in answers[1:]:
            answer.addErrback(failed)
        return answers[0] if answers else None

    def adapter_events_on(self, event: str) -> Callable[[Function], Function]:
        """Decorator: call a function for create-room, delete-room (room), join-room or leave-room (room, id)."""

        def add(function: Function) -> Function:
            if not self.adapter_observers:
                self.adapter_observers.append(self._adapter_observed)
            self._adapter_events.add(event, function)
            return function

        return add

    def _adapter_observed(self, event: str, *args: Any) -> None:
        for listener in self._adapter_events.of(event):
            call(listener.call, args, ignore)

    # -- sockets ---------------------------------------------------------------------------------------------

    def admit(self, socket: Socket) -> Deferred[None] | None:
        """Ask the middlewares, then open the socket or refuse it. Gives a Deferred while they think."""
        if not self.middlewares and "pid" not in socket.auth:
            self._open(socket, None)
            return None
        self._admissions += 1
        asked, thinking = iter(self.middlewares), None
        if "pid" not in socket.auth:
            try:
                thinking = _ask(asked, socket)
                if thinking is None:
                    self._open(socket, None)
            except Exception:
                self._refuse(Failure(), socket)
                thinking = None
            if thinking is None:
                self._admitted(None)
                return None
        admission = ensureDeferred(self._admit(socket, asked, thinking))
        admission.addErrback(self._refuse, socket)
        return admission.addBoth(self._admitted)

    @property
    def sockets(self) -> dict[str, Socket]:
        """Those of this process, by id. Gathered anew: it is the adapter that knows who is here."""
        return {member.id: member for member in self.adapter.rooms.everybody() if isinstance(member, Socket)}

    def remove(self, socket: Socket) -> None:
        """``socket`` has left."""
        if socket.pid is not None:
            self._recoverable.pop(socket.pid, None)
        self.adapter.remove_all(socket)
        self.clean_up()

    def alive(self, pid: str) -> Callable[[], None] | None:
        """What ends the connection of the client of that ``pid``, for it is back on another one."""
        socket = self._recoverable.get(pid)
        if socket is None:
            return None
        return partial(socket.client.connection.fail, TRANSPORT_CLOSE, "taken over by a recovery")

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self)

    async def _admit(
        self, socket: Socket, asked: Iterator[Middleware], thinking: Awaitable[Any] | None
    ) -> None:
        if thinking is not None:
            await thinking
        restored = await self._restore(socket)
        if restored is not None:
            socket.recover(restored)
        recovery = self.server.settings.recovery
        skips = restored is not None and recovery is not None and recovery.skip_middlewares
        try:
            for middleware in asked:
                if middleware.always or not skips:
                    await known(middleware.function(socket))
        except BaseException:
            if restored is not None and socket.client.awaits(socket.spelling):
                # Refused: there is no session that it could come back to.
                self.adapter.forget(socket.id)
            raise
        finally:
            if restored is not None and not socket.client.awaits(socket.spelling):
                # Lost again before it was let in: it may come back again, or has.
                self.adapter.keep(restored.session)
        if not socket.client.begins_anew(socket.spelling):
            self._open(socket, restored)

    async def _restore(self, socket: Socket) -> Restored | None:
        pid = socket.auth.get("pid")
        if self.server.settings.recovery is None or not isinstance(pid, str):
            return None
        for middleware in self.middlewares:
            if middleware.first:
                await known(middleware.function(socket))
        end = self.alive(pid)
        if end is not None:
            # The old one is half open: its client knows better than we do that it is gone.
            end()
        restored = await known(self.adapter.restore(pid, socket.auth.get("offset")))
        if restored is None:
            return None
        settings, client = self.server.settings, socket.client
        most = min(settings.engine.max_queued, settings.websocket.max_queued) * MISSED_SHARE
        missed = client.missed + _size_of(restored, socket.spelling)
        if missed > most:
            # It would be cut for so much, in all its namespaces, and come back to the same.
            self.adapter.forget(restored.session.id)
            return None
        client.missed = missed
        return restored

    def _open(self, socket: Socket, restored: Restored | None) -> None:
        if not socket.client.open:
            self.clean_up()
            return
        self.was_joined = True
        if self._may_recover(socket):
            socket.pid = socket.pid or new_id()
            self._recoverable[socket.pid] = socket
        if restored is None:
            socket.opened((), ())
        else:
            socket.opened(restored.session.rooms, tuple(restored.missed()))
        for listener in self.connection_listeners:
            was_there = socket.connected
            pending = call(listener, socket)
            if pending is None:
                continue
            if was_there:
                socket.client.keep(pending, socket.spelling)
            else:
                # Who was sent off by another listener will not leave, and so end this one.
                cancel(pending)

    def _may_recover(self, socket: Socket) -> bool:
        recovery = self.server.settings.recovery
        return recovery is not None and socket.client.connection.protocol > 3 and recovery.understands(socket.handshake)

    def _refuse(self, failure: Failure, socket: Socket) -> None:
        if failure.check(CancelledError) and not socket.client.open:
            return
        if isinstance(failure.value, ConnectError):
            error = failure.value
        else:
            self._log.failure("A middleware failed", failure)
            error = ConnectError(FAILED)
        socket.client.refuse(socket.spelling, error)

    def _admitted(self, result: None) -> None:
        self._admissions -= 1
        self.clean_up()

    def clean_up(self) -> None:
        """Go, if this namespace was made for clients that have all gone."""
        if self._parent is not None and not self._admissions and not self.adapter.rooms.everybody():
            self._parent.child_empty(self)


def _told(event: str) -> str:
    if named(event) in _RESERVED:
        raise reserved(event)
    return event


def _ask(asked: Iterator[Middleware], socket: Socket) -> Awaitable[Any] | None:
    """Ask one middleware after the other, up to the first that has to think: gives what it thinks about."""
    for middleware in asked:
        result = middleware.function(socket)
        if result is not None and isinstance(result, Awaitable):
            return result
    return None


def _size_of(restored: Restored, spelling: str) -> int:
    """The bytes that a client is sent for what it missed in a namespace, at the most."""
    name = len(spelling.encode())
    return sum(event.wire_size + name for event in restored.missed())


def refusal(spelling: str, error: ConnectError, protocol: int) -> Packet:
    """A CONNECT_ERROR; Socket.IO 2 knew no object in it."""
    if protocol == 3:
        return Packet(packets.CONNECT_ERROR, spelling, error.message if error.data is None else error.data)
    data: dict[str, Any] = {"message": error.message}
    if error.data is not None:
        data["data"] = error.data
    return Packet(packets.CONNECT_ERROR, spelling, data)
