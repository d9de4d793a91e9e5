"""Two servers as one: an adapter that carries broadcasts between them. Here both live in one process."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred

from yekta.socketio.adapter import AdapterContext, Flags, InMemoryAdapter, RemoteSocket, Target
from yekta.socketio.message import Message
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket


class BusAdapter(InMemoryAdapter):
    """``bus``: the adapters of one namespace on all servers; they find each other there."""

    def __init__(self, bus: list["BusAdapter"], context: AdapterContext) -> None:
        super().__init__(context)
        self._bus = bus
        bus.append(self)

    def broadcast(self, message: Message, target: Target, flags: Flags) -> None:
        super().broadcast(message, target, flags)
        for other in self._others(flags):
            # What crosses is the event; its place in a history is each server's own.
            copy = Message(message.args, volatile=message.volatile, compress=message.compress)
            InMemoryAdapter.broadcast(other, copy, target, flags)

    def fetch(self, target: Target, flags: Flags) -> Deferred[list[RemoteSocket]]:
        found = [InMemoryAdapter.fetch(each, target, flags) for each in (self, *self._others(flags))]
        return gatherResults(found).addCallback(lambda lists: [each for some in lists for each in some])

    def join(self, target: Target, flags: Flags, rooms: Sequence[str]) -> None:
        for each in (self, *self._others(flags)):
            InMemoryAdapter.join(each, target, flags, rooms)

    def leave(self, target: Target, flags: Flags, rooms: Sequence[str]) -> None:
        for each in (self, *self._others(flags)):
            InMemoryAdapter.leave(each, target, flags, rooms)

    def disconnect(self, target: Target, flags: Flags, close: bool) -> None:
        for each in (self, *self._others(flags)):
            InMemoryAdapter.disconnect(each, target, flags, close)

    def server_side_emit(self, args: Sequence[Any], timeout: float | None) -> Deferred[list[Any]]:
        return gatherResults([maybeDeferred(other.context.emitted, args) for other in self._others(Flags())])

    def _others(self, flags: Flags) -> list["BusAdapter"]:
        return [] if flags.local else [each for each in self._bus if each is not self]


bus: list[BusAdapter] = []
here = Server(reactor, adapter=partial(BusAdapter, bus))
there = Server(reactor, adapter=partial(BusAdapter, bus))


def connected(io: Server, socket: Socket) -> None:
    @socket.on("say")
    def say(text: str) -> None:
        io.emit("said", text)

    @socket.on("whisper")
    def whisper(text: str) -> None:
        io.local.emit("whispered", text)

    @socket.on("count")
    async def count() -> int:
        return len(await io.fetch_sockets())


for io in (here, there):
    io.on_connection(partial(connected, io))
