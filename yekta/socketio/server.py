"""A Socket.IO server: Engine.IO underneath, namespaces on top. Close to Node's, so that its documentation teaches ours.

    io = Server(reactor, cors_origins=["https://app.example"])

    @io.on_connection
    def connected(socket):
        @socket.on("hello")
        def hello(name):
            return f"hello {name}"
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection
from typing import Any, cast, overload

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from yekta.clocks import wall_clock
from yekta.engineio.connection import FORCED_CLOSE, Connection
from yekta.engineio.engine import Engine
from yekta.engineio.resource import EngineResource
from yekta.eventually import known
from yekta.rests import Rests
from yekta.socketio.adapter import Adapter, AdapterContext, InMemoryAdapter
from yekta.socketio.broadcast import BroadcastOperator, Emitting
from yekta.socketio.client import Client
from yekta.socketio.listeners import Function
from yekta.socketio.message import EventFormat
from yekta.socketio.namespace import Namespace
from yekta.socketio.parent import ParentNamespace
from yekta.socketio.parser import Parser
from yekta.socketio.reasons import SHUTTING_DOWN
from yekta.socketio.receiving import Receiving
from yekta.socketio.recovery import History
from yekta.socketio.settings import Settings, from_options
from yekta.socketio.socket import Socket
from yekta.timeouts import Timeouts
from yekta.web.site import Limits as WebLimits
from yekta.web.site import Site
from yekta.websocket.factory import WebSocketFactory

MakeAdapter = Callable[[AdapterContext], Adapter]
Predicate = Callable[[str, dict[str, Any]], "bool | Awaitable[bool]"]


# Of the namespaces that clients have made and left: more are not worth waiting for.
MAX_LINGERING = 1_000


class Server(Emitting):
    """See the module. The server itself stands for the namespace ``/``.

    Options are the fields of `Settings`, of Engine.IO's and of the WebSocket's, and ``cors_origins``.

    ``clock`` measures, ``wall`` gives the world's time (`yekta.clocks`). ``rests``: those that have taken more than a
    turn, whichever way they came; to be shared with all else that the process serves.
    """

    def __init__(
        self,
        clock: IReactorTime,
        settings: Settings | None = None,
        adapter: MakeAdapter = InMemoryAdapter,
        **options: Any,
    ) -> None:
        self.clock = clock
        self.wall = wall_clock(clock)
        if settings is not None and options:
            raise TypeError(f"option {next(iter(options))!r} beside settings")
        self.settings = from_options(options) if settings is None else settings
        self.rests = Rests(clock)
        self.engine = Engine(clock, self.settings.engine, self._connected, self.rests)
        self.websockets = WebSocketFactory(clock, self.settings.websocket, self.rests)
        self.unidentified: Timeouts[Client] = Timeouts(clock, self.settings.connect_timeout, _too_late)
        self.unfinished: Timeouts[Receiving] = Timeouts(clock, self.settings.packet_timeout, _too_late)
        # Namespaces that clients made, and that wait for those whose connection broke.
        lost = 0.0 if self.settings.recovery is None else self.settings.recovery.max_disconnection
        self._lingering: Timeouts[Namespace] = Timeouts(clock, lost, Namespace.clean_up)
        self._adapter = adapter
        self._namespaces: dict[str, Namespace] = {}
        self._namespace_listeners: tuple[Callable[[Namespace], Any], ...] = ()
        self._parents: list[ParentNamespace] = []
        self._formats: dict[str, dict[tuple[Parser, bool], EventFormat]] = {}
        self.sockets = self.of("/")

    # -- for applications ------------------------------------------------------------------------------------

    @overload
    def of(self, name: str) -> Namespace: ...

    @overload
    def of(self, name: re.Pattern[str] | Predicate, *, keep: bool = False) -> ParentNamespace: ...

    def of(self, name: str | re.Pattern[str] | Predicate, *, keep: bool = False) -> Namespace | ParentNamespace:
        """The namespace ``name``, made on first use: by the first parent whose expression it matches, for good, so that
        it is no way round the middlewares there.

        Or those whose names match an expression, or that ``name(spelled, auth)``, which may be ``async``, agrees to:
        each is made when a client asks for it, and goes with its last socket, unless ``keep``.
        """
        if not isinstance(name, str):
            parent = ParentNamespace(self, name, keep=keep)
            self._parents.append(parent)
            return parent
        name = "/" + name.removeprefix("/")
        name = self.settings.aliases.get(name, name)
        namespace = self._namespaces.get(name)
        if namespace is None:
            owner = next((each for each in self._parents if each.owns(name)), None)
            namespace = Namespace(self, name) if owner is None else owner.create(name, stays=True)
            self._add(namespace)
        return namespace

    @property
    def namespaces(self) -> Collection[str]:
        """The names of the namespaces there are now."""
        return tuple(self._namespaces)

    def on_new_namespace(self, listener: Callable[[Namespace], Any]) -> None:
        """Call ``listener(namespace)`` for each that there is, and for each that is made."""
        self._namespace_listeners = (*self._namespace_listeners, listener)
        for namespace in tuple(self._namespaces.values()):
            listener(namespace)

    def use(self, middleware: Function, *, always: bool = False, first: bool = False) -> Function:
        """See `Namespace.use`."""
        return self.sockets.use(middleware, always=always, first=first)

    def on_connection(self, listener: Function) -> Function:
        """See `Namespace.on_connection`."""
        return self.sockets.on_connection(listener)

    def on_server_side(self, event: str) -> Callable[[Function], Function]:
        """See `Namespace.on_server_side`."""
        return self.sockets.on_server_side(event)

    def server_side_emit(self, event: str, *args: Any) -> None:
        """See `Namespace.server_side_emit`."""
        self.sockets.server_side_emit(event, *args)

    def server_side_emit_with_ack(self, event: str, *args: Any, timeout: float = 5.0) -> Deferred[list[Any]]:
        """See `Namespace.server_side_emit_with_ack`."""
        return self.sockets.server_side_emit_with_ack(event, *args, timeout=timeout)

    def resource(self) -> EngineResource:
        """The server as a resource of twisted.web, for ``site.putChild(b"socket.io", …)``."""
        return EngineResource(self.engine, self.websockets, self.settings.client_bundle)

    def factory(self) -> Site:
        """The server as a protocol factory, for a port of its own."""
        resource, limits = self.resource(), WebLimits(max_body=self.settings.engine.max_payload)
        return Site(
            self.clock, resource, limits, resource.refused, resource.body_began, resource, rests=self.rests
        )

    @property
    def clients(self) -> list[Client]:
        """All that are connected."""
        return [cast(Client, connection.handler) for connection in self.engine.connections.values()]

    def close(self) -> None:
        """Close every connection now, delivering what a transport can take. Clients will look for another server.

        They are not sent DISCONNECT, after which socket.io-client stays away.
        """
        for client in self.clients:
            for socket in client.sockets:
                socket.lost(SHUTTING_DOWN)
        self.engine.close()
        self._lingering.clear()
        for namespace in tuple(self._namespaces.values()):
            namespace.adapter.close()

    def drain(self, seconds: float, random: Callable[[], float]) -> Deferred[None]:
        """Close every connection at a moment of its own within ``seconds``, so that not all come back at once.

        ``random`` gives floats from 0 to 1. Fires when none is left; those that came meanwhile go at the end.
        """
        for client in self.clients:
            self.clock.callLater(random() * seconds, client.close, SHUTTING_DOWN)
        return deferLater(self.clock, seconds, self.close)

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self.sockets)

    # -- for clients and namespaces ----------------------------------------------------------------------------

    def find(self, spelling: str, auth: dict[str, Any]) -> Namespace | Deferred[Namespace | None] | None:
        """The namespace that a client means, if there is one; a Deferred where a predicate has to think."""
        name = self.settings.aliases.get(spelling, spelling)
        namespace = self._namespaces.get(name)
        if namespace is not None or not self._parents:
            return namespace
        return ensureDeferred(self._ask_parents(name, auth))

    async def _ask_parents(self, name: str, auth: dict[str, Any]) -> Namespace | None:
        for parent in tuple(self._parents):
            if await known(parent.match(name, auth)):
                # Another client may have asked for the same name meanwhile.
                if name not in self._namespaces:
                    self._add(parent.create(name))
                return self._namespaces[name]
        return None

    def _add(self, namespace: Namespace) -> None:
        self._namespaces[namespace.name] = namespace
        for listener in self._namespace_listeners:
            listener(namespace)

    def linger(self, namespace: Namespace) -> bool:
        """Look after ``namespace`` again once nobody can come back to it; not for too many at a time."""
        if len(self._lingering) >= MAX_LINGERING:
            return False
        self._lingering.start(namespace)
        return True

    def drop(self, namespace: Namespace) -> None:
        """``namespace`` was made for clients that have all gone."""
        if self._namespaces.get(namespace.name) is namespace:
            del self._namespaces[namespace.name]
            namespace.adapter.close()
            self._formats.pop(namespace.name, None)

    def format(self, parser: Parser, spelling: str, offsets: bool) -> EventFormat:
        """How events are written for clients of this parser that spell their namespace so."""
        # Names that clients thought up are forgotten with their namespace, or at once.
        known = spelling in self._namespaces or spelling in self.settings.aliases
        formats = self._formats.setdefault(spelling, {}) if known else {}
        format = formats.get((parser, offsets))
        if format is None:
            format = formats[parser, offsets] = EventFormat(parser, spelling, offsets)
        return format

    def make_adapter(self, namespace: Namespace) -> Adapter:
        """An adapter for ``namespace``, which has its rooms."""
        recovery = self.settings.recovery
        history = None if recovery is None else History(self.clock, recovery)
        return self._adapter(
            AdapterContext(
                self.clock,
                namespace.adapter_observers,
                namespace.name,
                history,
                namespace.server_emitted,
                namespace.next_id,
                namespace.alive,
            )
        )

    def make_socket(self, namespace: Namespace, client: Client, spelling: str, auth: dict[str, Any]) -> Socket:
        """A socket that is not admitted yet."""
        return Socket(namespace, client, spelling, client.make_id(namespace.name), auth, self.wall())

    def _connected(self, connection: Connection) -> None:
        client = Client(self, connection)
        connection.handler = client
        self.unidentified.start(client)
        if connection.protocol == 3:
            client.connect("/", {})


def _too_late(client: Receiving) -> None:
    client.connection.fail(FORCED_CLOSE, "too late")
