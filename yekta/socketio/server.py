"""A Socket.IO server: Engine.IO underneath, namespaces on top. Close to Node's, so that its documentation teaches ours.

    io = Server(reactor, cors_origins=["https://app.example"])

    @io.on_connection
    def connected(socket):
        @socket.on("hello")
        def hello(name):
            return f"hello {name}"
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime

from yekta.engineio.connection import FORCED_CLOSE, Connection
from yekta.engineio.engine import Engine
from yekta.engineio.engine import Settings as EngineSettings
from yekta.engineio.resource import EngineResource
from yekta.socketio.adapter import Adapter, InMemoryAdapter
from yekta.socketio.broadcast import BroadcastOperator, Emitting
from yekta.socketio.client import Client
from yekta.socketio.listeners import Function
from yekta.socketio.message import TextFormat
from yekta.socketio.namespace import Namespace
from yekta.socketio.packet import MAX_ATTACHMENTS
from yekta.socketio.socket import SHUTTING_DOWN, Handshake, Socket
from yekta.timeouts import Timeouts
from yekta.web.channel import Limits as WebLimits
from yekta.web.channel import Site
from yekta.websocket.protocol import Limits as WebSocketLimits
from yekta.websocket.protocol import WebSocketFactory


@attrs.frozen
class Settings:
    """Seconds, bytes, numbers. ``connect_timeout``: how long a client may stay without a namespace.

    ``packet_timeout``: how long attachments may be late. ``max_namespaces``, ``max_acks``, ``max_backlog``: of one
    client. ``ordered``: whether one client's events wait for an ``async`` listener of the one before.
    ``aliases``: other spellings of a namespace, such as the path that socket.io-client takes for one.
    """

    engine: EngineSettings = attrs.field(factory=EngineSettings)
    websocket: WebSocketLimits = attrs.field(factory=WebSocketLimits)
    connect_timeout: float = 45.0
    packet_timeout: float = 30.0
    max_attachments: int = MAX_ATTACHMENTS
    max_namespaces: int = 32
    max_acks: int = 10_000
    max_backlog: int = 1_000
    ordered: bool = True
    aliases: Mapping[str, str] = attrs.field(factory=dict)


MakeAdapter = Callable[[IReactorTime, Callable[..., None]], Adapter]


class Server(Emitting):
    """See the module. The server itself stands for the namespace ``/``."""

    def __init__(
        self, clock: IReactorTime, settings: Settings | None = None, adapter: MakeAdapter = InMemoryAdapter
    ) -> None:
        self.clock = clock
        self.settings = Settings() if settings is None else settings
        self.engine = Engine(clock, self.settings.engine, self._connected)
        self.websockets = WebSocketFactory(clock, self.settings.websocket)
        self.clients: set[Client] = set()
        self._adapter = adapter
        self._namespaces: dict[str, Namespace] = {}
        self._formats: dict[str, TextFormat] = {}
        self.unidentified: Timeouts[Client] = Timeouts(clock, self.settings.connect_timeout, self._too_late)
        self.unfinished: Timeouts[Client] = Timeouts(clock, self.settings.packet_timeout, self._too_late)
        self.sockets = self.of("/")

    # -- for applications ------------------------------------------------------------------------------------

    def of(self, name: str) -> Namespace:
        """The namespace ``name``, made on first use."""
        name = "/" + name.removeprefix("/")
        namespace = self._namespaces.get(name)
        if namespace is None:
            namespace = self._namespaces[name] = Namespace(self, name)
        return namespace

    def use(self, middleware: Function) -> Function:
        """See `Namespace.use`."""
        return self.sockets.use(middleware)

    def on_connection(self, listener: Function) -> Function:
        """See `Namespace.on_connection`."""
        return self.sockets.on_connection(listener)

    def resource(self) -> EngineResource:
        """The server as a resource of twisted.web, for ``site.putChild(b"socket.io", …)``."""
        return EngineResource(self.engine, self.websockets)

    def factory(self) -> Site:
        """The server as a protocol factory, for a port of its own."""
        return Site(self.clock, self.resource(), WebLimits(max_body=self.settings.engine.max_payload))

    def close(self) -> None:
        """Tell every client that it is over, and close every connection."""
        for client in list(self.clients):
            client.disconnect(SHUTTING_DOWN)
        self.engine.close()

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self.sockets)

    # -- for clients and namespaces ----------------------------------------------------------------------------

    def find(self, spelling: str) -> Namespace | None:
        """The namespace that a client means, if there is one."""
        return self._namespaces.get(self.settings.aliases.get(spelling, spelling))

    def format(self, spelling: str) -> TextFormat:
        """How events are written for clients that spell their namespace so."""
        format = self._formats.get(spelling)
        if format is None:
            format = self._formats[spelling] = TextFormat(spelling)
        return format

    def make_adapter(self, namespace: Namespace) -> Adapter:
        return self._adapter(self.clock, namespace.adapter_observed)

    def make_socket(self, namespace: Namespace, client: Client, spelling: str, auth: dict[str, Any]) -> Socket:
        request = client.connection.request
        now = self.clock.seconds()
        handshake = Handshake(
            headers=dict(request.headers),
            query=dict(request.query),
            auth=auth,
            address=request.address,
            secure=request.secure,
            cross_domain=request.origin is not None,
            url=request.path,
            issued=round(now * 1000),
            time=formatdate(now, usegmt=True),
        )
        return Socket(namespace, client, spelling, handshake, secrets.token_urlsafe(15))

    def forget(self, client: Client) -> None:
        """``client`` is gone."""
        self.clients.discard(client)
        self.unidentified.stop(client)
        self.unfinished.stop(client)

    def _connected(self, connection: Connection) -> None:
        client = Client(self, connection)
        connection.handler = client
        self.clients.add(client)
        self.unidentified.start(client)

    def _too_late(self, client: Client) -> None:
        client.connection.fail(FORCED_CLOSE, "too late")
