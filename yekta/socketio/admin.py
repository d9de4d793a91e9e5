"""The server's side of the official Socket.IO Admin UI, for operators.

`instrument` adds the namespace ``/admin``. In mode ``production`` it tells numbers only; in ``development`` also
sockets, rooms and events. What users say and who they are stays hidden all the same: events are told by name and by how
many arguments they had, handshakes without their secrets, connections by a part of their id.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import socket as system
from collections import Counter, OrderedDict
from typing import Any

import attrs
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from yekta.engineio.connection import Connection
from yekta.socketio.adapter import Target
from yekta.socketio.admin_watch import Watch
from yekta.socketio.broadcast import BroadcastOperator
from yekta.socketio.errors import ConnectError
from yekta.socketio.guesses import Guesses
from yekta.socketio.server import Server
from yekta.socketio.socket import Socket

# Seconds between two `server_stats`; the UI calls a server that is silent for 10 unhealthy.
STATS_INTERVAL = 2.0

# As many logins as are remembered; a forgotten one is asked for the password again.
MAX_LOGINS = 1_000

MODES = ("production", "development")

# The UI looks for exactly this.
INVALID_CREDENTIALS = "invalid credentials"

# The rooms or ids that a command is for.
Filter = str | list[str] | None


@attrs.frozen
class AdminSettings:
    """``username`` and ``password`` open the door, and must not be empty; ``read_only`` hides the commands.

    ``server_id``: how this server is called in the UI.
    """

    username: str
    password: str = attrs.field(repr=False)
    namespace: str = "/admin"
    mode: str = "production"
    read_only: bool = False
    server_id: str = attrs.field(factory=system.gethostname)

    def __attrs_post_init__(self) -> None:
        if not self.username or not self.password:
            raise ValueError("the admin namespace needs a user name and a password")
        try:
            f"{self.username}{self.password}".encode()
        except UnicodeEncodeError:
            # From an environment that is not UTF-8: nobody can show it. The error would quote it.
            raise ValueError("the user name and the password must be text that can be written") from None
        if self.mode not in MODES:
            raise ValueError(f"the mode is one of {', '.join(MODES)}")


def instrument(io: Server, settings: AdminSettings) -> Admin:
    """Add the admin namespace to ``io``. Call `Admin.start` once the reactor runs, and `Admin.stop` at the end."""
    return Admin(io, settings)


class Admin:
    """See :func:`instrument`."""

    _log = Logger()

    def __init__(self, io: Server, settings: AdminSettings) -> None:
        self._io = io
        self._settings = settings
        self._key = secrets.token_bytes(16)
        self._password = self._digest(settings.password)
        self._logins: OrderedDict[str, None] = OrderedDict()
        self._guesses = Guesses(io.clock)
        self._events: Counter[tuple[int, str, str | None]] = Counter()
        self._started = io.clock.seconds()
        self._stats = LoopingCall(self._tell_stats)
        self._stats.clock = io.clock
        self._namespace = io.of(settings.namespace)
        self._namespace.use(self._authenticate)
        self._namespace.on_connection(self._connected)
        io.engine.hooks.on("connection")(self._count)
        self._watch = Watch(io, self._namespace) if settings.mode == "development" else None

    def start(self) -> None:
        """Begin to send numbers."""
        self._stats.start(STATS_INTERVAL, now=False)

    def stop(self) -> None:
        """Send no more numbers."""
        if self._stats.running:
            self._stats.stop()

    # -- who may come in -------------------------------------------------------------------------------------

    def _authenticate(self, socket: Socket) -> None:
        auth = socket.auth
        login = auth.get("sessionId")
        if isinstance(login, str) and login in self._logins:
            return
        username, password = auth.get("username"), auth.get("password")
        if not isinstance(username, str) or not isinstance(password, str):
            raise ConnectError(INVALID_CREDENTIALS)
        address = socket.handshake.address
        if not self._guesses.may(address):
            # In the same words, though it be right: who guesses learns nothing.
            raise ConnectError(INVALID_CREDENTIALS)
        right = hmac.compare_digest(self._digest(password), self._password)
        if not (hmac.compare_digest(self._digest(username), self._digest(self._settings.username)) and right):
            self._guesses.was_wrong(address)
            raise ConnectError(INVALID_CREDENTIALS)
        socket.data["login"] = login = secrets.token_hex(8)
        self._logins[login] = None
        if len(self._logins) > MAX_LOGINS:
            self._logins.popitem(last=False)

    def _digest(self, password: str) -> bytes:
        return hmac.digest(self._key, password.encode(), hashlib.sha256)

    def _connected(self, socket: Socket) -> None:
        if "login" in socket.data:
            socket.emit("session", socket.data["login"])
        socket.emit("config", {"supportedFeatures": self._features()})
        self._tell_stats()
        if self._watch is not None:
            self._watch.welcome(socket)
        if not self._settings.read_only:
            self._obey(socket)

    def _features(self) -> list[str]:
        commands = ["EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"]
        features = [] if self._settings.read_only else commands
        detailed = ["ALL_EVENTS"] if self._watch is not None else []
        return [*features, "AGGREGATED_EVENTS", *detailed]

    # -- commands --------------------------------------------------------------------------------------------

    def _obey(self, socket: Socket) -> None:
        @socket.on("emit")
        def emit(namespace: str, those: Filter, event: str, *args: Any) -> None:
            self._some("emit", namespace, those).emit(_text(event), *args)

        @socket.on("join")
        def join(namespace: str, room: str, those: Filter) -> None:
            self._some("join", namespace, those).sockets_join(_text(room))

        @socket.on("leave")
        def leave(namespace: str, room: str, those: Filter) -> None:
            self._some("leave", namespace, those).sockets_leave(_text(room))

        @socket.on("_disconnect")
        def disconnect(namespace: str, close: bool, those: Filter) -> None:
            self._some("disconnect", namespace, those).disconnect_sockets(bool(close))

    def _some(self, command: str, namespace: str, those: Filter) -> BroadcastOperator:
        if namespace not in self._io.namespaces:
            raise ValueError("no such namespace")
        rooms = frozenset(_text(room) for room in _listed(those))
        self._log.info("Admin command {command} in {namespace}", command=command, namespace=namespace)
        return BroadcastOperator(self._io.of(namespace), Target(rooms))

    # -- numbers ---------------------------------------------------------------------------------------------

    def _count(self, connection: Connection) -> None:
        self._happened("rawConnection")
        connection.hooks.on("packet")(lambda packet: self._moved("packetsIn", "bytesIn", packet))
        connection.hooks.on("packetCreate")(lambda packet: self._moved("packetsOut", "bytesOut", packet))
        connection.hooks.on("close")(lambda reason, description: self._happened("rawDisconnection", reason))

    def _moved(self, packets: str, size: str, packet: str | bytes) -> None:
        self._happened(packets)
        self._happened(size, count=len(packet))

    def _happened(self, kind: str, subtype: str | None = None, count: int = 1) -> None:
        self._events[int(self._io.wall()) * 1000, kind, subtype] += count

    def _tell_stats(self) -> None:
        if self._watch is not None:
            self._watch.tell_others()
        events, self._events = self._events, Counter()
        connections = self._io.engine.connections.values()
        polling = sum(connection.transport.name == "polling" for connection in connections)
        stats = {
            "serverId": self._settings.server_id,
            "hostname": system.gethostname(),
            "pid": os.getpid(),
            "uptime": self._io.clock.seconds() - self._started,
            "clientsCount": len(connections),
            "pollingClientsCount": polling,
            "aggregatedEvents": [
                {"timestamp": moment, "type": kind, "count": count} | ({"subType": sub} if sub else {})
                for (moment, kind, sub), count in events.items()
            ],
            "namespaces": [
                {"name": name, "socketsCount": len(self._io.of(name).sockets)} for name in self._io.namespaces
            ],
        }
        self._namespace.emit("server_stats", stats)


def _listed(those: Filter) -> list[str]:
    """The rooms that a command is for: none are everybody, but what we do not understand is nobody."""
    if those == []:
        raise ValueError("an empty list of rooms")
    if those is None:
        return []
    return those if isinstance(those, list) else [those]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a name")
    return value
