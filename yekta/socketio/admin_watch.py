"""Mode ``development`` of the Admin UI: sockets, rooms and events, of all servers of a cluster.

An operator is connected to one server, and is told by all. Nothing is told while nobody looks: those who have operators
tell the others so, again and again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import ensureDeferred
from twisted.logger import Logger

from yekta.socketio.errors import AckTimeout
from yekta.socketio.handshake import redacted
from yekta.socketio.namespace import Namespace
from yekta.socketio.socket import Socket
from yekta.timestamps import iso

if TYPE_CHECKING:
    from yekta.socketio.server import Server

# Between servers: somebody looks; which sockets have you?
LOOKED_AT = "admin:looked-at"
SOCKETS = "admin:sockets"

# Seconds for which one is believed: two of its words may be late or lost.
BELIEVED = 6.0

# Seconds that an operator who has come waits for the sockets of other servers.
PATIENCE = 2.0

# As many sockets of a server are shown to who has come: each takes a kilobyte.
MAX_SHOWN = 2_000

# As much of a connection's id as is shown: with all of it one could take the connection over.
_SHOWN_ID = 12


class Watch:
    """``admins``: the namespace of operators, who are told nothing of each other's events."""

    _log = Logger()

    def __init__(self, io: Server, admins: Namespace) -> None:
        self._io = io
        self._admins = admins
        self._looked_at = -BELIEVED
        admins.on_server_side(LOOKED_AT)(self._be_looked_at)
        admins.on_server_side(SOCKETS)(lambda: list(self._sockets()))
        io.on_new_namespace(self._watch)

    def tell_others(self) -> None:
        """Somebody may look here; to be called several times in `BELIEVED`."""
        if self._admins.sockets:
            self._admins.server_side_emit(LOOKED_AT)

    def welcome(self, operator: Socket) -> None:
        """Show the sockets of all servers; of those that do not answer in time there are none."""
        shown = ensureDeferred(self._show_all(operator))
        shown.addErrback(lambda failure: self._log.failure("An operator could not be shown the sockets", failure))

    async def _show_all(self, operator: Socket) -> None:
        try:
            told = await self._admins.server_side_emit_with_ack(SOCKETS, timeout=PATIENCE)
        except AckTimeout as error:
            told = error.responses
        theirs = [each for sockets in told if isinstance(sockets, list) for each in sockets]
        operator.emit("all_sockets", [*self._sockets(), *theirs])

    def _be_looked_at(self) -> None:
        self._looked_at = self._io.clock.seconds()

    def _sockets(self) -> Iterator[dict[str, Any]]:
        namespaces = (self._io.of(name) for name in self._io.namespaces)
        sockets = (socket for namespace in namespaces for socket in namespace.sockets.values())
        return map(serialized, islice(sockets, MAX_SHOWN))

    def _watch(self, namespace: Namespace) -> None:
        if namespace is self._admins:
            return

        @namespace.on_connection
        def connected(socket: Socket) -> None:
            self._watch_socket(socket)

        @namespace.adapter_events_on("join-room")
        def joined(room: str, id: str) -> None:
            self._tell("room_joined", namespace.name, room, id)

        @namespace.adapter_events_on("leave-room")
        def left(room: str, id: str) -> None:
            self._tell("room_left", namespace.name, room, id)

    def _watch_socket(self, socket: Socket) -> None:
        name = socket.namespace.name
        self._tell("socket_connected", serialized(socket))

        @socket.on_any
        def received(event: str, *args: Any) -> None:
            self._tell("event_received", name, socket.id, _hidden(event, args))

        @socket.on_any_outgoing
        def sent(event: str, *args: Any) -> None:
            self._tell("event_sent", name, socket.id, _hidden(event, args))

        @socket.on("disconnect")
        def lost(reason: str) -> None:
            self._tell("socket_disconnected", name, socket.id, reason)

        @socket.client.connection.hooks.on("upgrade")
        def upgraded(transport: Any) -> None:
            self._tell("socket_updated", {"id": socket.id, "nsp": name, "transport": transport.name})

    def _tell(self, event: str, *args: Any) -> None:
        if self._admins.sockets or self._io.clock.seconds() - self._looked_at < BELIEVED:
            self._admins.emit(event, *args, iso(self._io.wall()))


def serialized(socket: Socket) -> dict[str, Any]:
    """What the UI is told of a socket. Rooms whose names may be secrets are the application's to avoid."""
    shown = redacted(socket.handshake)
    return {
        "id": socket.id,
        "clientId": socket.client.connection.sid[:_SHOWN_ID],
        "transport": socket.client.connection.transport.name,
        "nsp": socket.namespace.name,
        "data": {},
        "handshake": {
            "address": shown["address"],
            "headers": shown["headers"],
            "query": shown["query"],
            "issued": shown["issued"],
            "secure": shown["secure"],
            "time": shown["time"],
            "url": shown["url"],
            "xdomain": shown["cross_domain"],
        },
        "rooms": sorted(socket.rooms),
    }


def _hidden(event: str, args: tuple[Any, ...]) -> list[Any]:
    return [event, *["…" for _ in args]]
