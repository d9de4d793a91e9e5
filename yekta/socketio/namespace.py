"""A namespace: its middlewares, its sockets, its adapter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from yekta.socketio import packet as packets
from yekta.socketio.adapter import Adapter
from yekta.socketio.broadcast import BroadcastOperator, Emitting
from yekta.socketio.calls import call
from yekta.socketio.errors import ConnectError
from yekta.socketio.listeners import Function, Listeners
from yekta.socketio.packet import Packet
from yekta.socketio.socket import Socket

if TYPE_CHECKING:
    from yekta.socketio.server import Server

# What a client is told where a middleware failed without saying why.
_FAILED = "Internal error"


class Namespace(Emitting):
    """``name`` begins with ``/``. ``sockets``: those of this process, by id."""

    _log = Logger()

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self.sockets: dict[str, Socket] = {}
        self.adapter: Adapter = server.make_adapter(self)
        self.adapter_events = Listeners()
        self._middlewares: list[Callable[[Socket], Any]] = []
        self._connection_listeners: list[Callable[[Socket], Any]] = []
        self._ids = 0

    def use(self, middleware: Function) -> Function:
        """Ask ``middleware(socket)`` about each new socket; `ConnectError` refuses it. It may be ``async``."""
        self._middlewares.append(middleware)
        return middleware

    def on_connection(self, listener: Function) -> Function:
        """Call ``listener(socket)`` for each new socket, after the client has been told that it is connected."""
        self._connection_listeners.append(listener)
        return listener

    def next_id(self) -> int:
        """A number for an acknowledgement; one counter, so that a broadcast has one number for all."""
        self._ids += 1
        return self._ids

    def adapter_observed(self, event: str, *args: Any) -> None:
        """The adapter tells of rooms: create-room, delete-room, join-room, leave-room."""
        if self.adapter_events:
            for listener in self.adapter_events.of(event):
                call(listener.call, args, lambda *_: None)

    def admit(self, socket: Socket) -> Deferred[None] | None:
        """Ask the middlewares, then open the socket or refuse it. Gives a Deferred while they think."""
        if not self._middlewares:
            self._open(socket)
            return None
        admission = ensureDeferred(self._ask(socket))
        admission.addCallbacks(lambda _: self._open(socket), self._refuse, errbackArgs=(socket,))
        return admission

    def remove(self, socket: Socket) -> None:
        """``socket`` has left."""
        self.sockets.pop(socket.id, None)
        self.adapter.remove_all(socket)

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self)

    async def _ask(self, socket: Socket) -> None:
        for middleware in tuple(self._middlewares):
            result = middleware(socket)
            if isinstance(result, Awaitable):
                await result

    def _open(self, socket: Socket) -> None:
        if not socket.client.open:
            return
        self.sockets[socket.id] = socket
        socket.opened()
        for listener in tuple(self._connection_listeners):
            call(listener, socket)

    def _refuse(self, failure: Failure, socket: Socket) -> None:
        if failure.check(CancelledError):
            return
        if isinstance(failure.value, ConnectError):
            error = failure.value
        else:
            self._log.failure("A middleware failed", failure)
            error = ConnectError(_FAILED)
        data: dict[str, Any] = {"message": error.message}
        if error.data is not None:
            data["data"] = error.data
        socket.client.forget(socket.spelling)
        socket.client.send(Packet(packets.CONNECT_ERROR, socket.spelling, data))
