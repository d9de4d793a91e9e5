"""All Engine.IO connections of one server: settings, verification, the sid registry, and their common timers.

Requests come from a door (`resource`); new connections go to whoever was given as ``connected``.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

import attrs
from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.interfaces import IReactorTime

from yekta import jsontext
from yekta.engineio.connection import FORCED_CLOSE, PING_TIMEOUT, Connection
from yekta.engineio.errors import (
    Refusal,
    bad_method,
    bad_request,
    forbidden,
    unknown_sid,
    unknown_transport,
    unsupported_protocol,
)
from yekta.engineio.interfaces import Exchange, Transport
from yekta.engineio.packet import OPEN
from yekta.engineio.polling import Polling
from yekta.engineio.websocket import Probe, WebSocketTransport
from yekta.timeouts import Timeouts
from yekta.web.origins import Origins
from yekta.web.request import Request
from yekta.websocket.interfaces import IReceiver

# How often the waiting poll of a client that upgrades is ended, in seconds. Not at once: the client's own poll may
# still be on its way.
FREE_POLL = 0.1

AllowRequest = Callable[[Request], "bool | Awaitable[bool | None] | Deferred[bool | None] | None"]


@attrs.frozen
class Settings:
    """Seconds and bytes. The defaults are Node's where it has them.

    ``max_payload``: the longest message, and the longest POST. ``max_queued``: what may wait for a slow client.
    ``drain_timeout``: how long a closed polling connection waits for a poll to take the rest.
    ``allow_request``: asked before a new connection; a false answer or a `Refusal` refuses.
    """

    transports: tuple[str, ...] = ("polling", "websocket")
    allow_upgrades: bool = True
    ping_interval: float = 25.0
    ping_timeout: float = 20.0
    upgrade_timeout: float = 10.0
    drain_timeout: float = 30.0
    max_payload: int = 1_000_000
    max_queued: int = 1 << 20
    max_connections: int = 100_000
    origins: Origins = attrs.field(factory=lambda: Origins(("*",)))
    allow_request: AllowRequest | None = None


class Engine:
    """See the module. ``connected(connection)`` must set its handler before it returns."""

    def __init__(
        self, clock: IReactorTime, settings: Settings, connected: Callable[[Connection], object]
    ) -> None:
        self.settings = settings
        self.connections: dict[str, Connection] = {}
        self._clock = clock
        self._connected = connected
        self._pinging: Timeouts[Connection] = Timeouts(clock, settings.ping_interval, Connection.ping)
        self._awaiting: Timeouts[Connection] = Timeouts(clock, settings.ping_timeout, self._pong_missing)
        self._draining: Timeouts[Connection] = Timeouts(clock, settings.drain_timeout, self._give_up)
        self.upgrading: Timeouts[Probe] = Timeouts(clock, settings.upgrade_timeout, Probe.expire)
        self.freeing: Timeouts[Probe] = Timeouts(clock, FREE_POLL, Probe.free_poll)
        self._unflushed: list[Connection] = []

    # -- requests ------------------------------------------------------------------------------------------

    def verify(self, request: Request) -> Connection | None:
        """The connection that ``request`` belongs to, or ``None``: it wants a new one. Raises :class:`Refusal`."""
        query = request.query
        transport = query.get("transport", "")
        if transport not in self.settings.transports:
            raise unknown_transport()
        if not self.settings.origins.allow(request.origin, request.headers.get("host")):
            raise forbidden("Origin not allowed")
        if request.upgrade != (transport == "websocket"):
            raise bad_request("TRANSPORT_MISMATCH")
        if "sid" in query:
            return self._verify_known(request, query["sid"], transport)
        if request.method != "GET":
            raise bad_method()
        if query.get("EIO") != "4":
            raise unsupported_protocol()
        if len(self.connections) >= self.settings.max_connections:
            raise Refusal(4, "Too many connections", status=503, retry_after=5)
        return None

    def _verify_known(self, request: Request, sid: str, transport: str) -> Connection:
        connection = self.connections.get(sid)
        if connection is None:
            raise unknown_sid()
        if request.query.get("EIO") != "4":
            raise bad_request("PROTOCOL_MISMATCH")
        if transport != connection.transport.name and not self._may_upgrade(transport):
            raise bad_request("TRANSPORT_MISMATCH")
        return connection

    def _may_upgrade(self, transport: str) -> bool:
        return transport == "websocket" and self.settings.allow_upgrades

    def admit(self, request: Request) -> Deferred[None]:
        """Ask ``allow_request`` about a new connection. Fails with :class:`Refusal`."""
        if self.settings.allow_request is None:
            return succeed(None)
        return ensureDeferred(self._ask(self.settings.allow_request, request))

    async def _ask(self, allow_request: AllowRequest, request: Request) -> None:
        allowed = allow_request(request)
        if isinstance(allowed, Awaitable):
            allowed = await allowed
        if not allowed:
            raise forbidden()

    def poll_received(self, connection: Connection | None, request: Request, exchange: Exchange) -> Polling:
        """A verified (and, if new, admitted) polling request. Answers it now or later; may raise `Refusal`."""
        if connection is None:
            polling = Polling()
            self.begin(request, polling)
        else:
            if not isinstance(connection.transport, Polling):
                raise bad_request("TRANSPORT_MISMATCH")
            polling = connection.transport
        polling.request_received(request, exchange)
        return polling

    def receiver(self, connection: Connection | None, request: Request) -> IReceiver:
        """Who receives from the WebSocket of a verified (and, if new, admitted) request."""
        if connection is None:
            return WebSocketTransport(self, request)
        return Probe(self, connection, request)

    # -- connections ---------------------------------------------------------------------------------------

    def begin(self, request: Request, transport: Transport) -> None:
        """A new connection over ``transport``."""
        connection = Connection(self, self._new_sid(), request, transport)
        transport.connection = connection
        self.connections[connection.sid] = connection
        connection.send_packet(OPEN + self._handshake(connection))
        self._pinging.start(connection)
        self._connected(connection)

    def connection_lost(self, connection: Connection) -> None:
        """Forget it."""
        self.connections.pop(connection.sid, None)
        for timeouts in (self._pinging, self._awaiting, self._draining):
            timeouts.stop(connection)

    def close(self) -> None:
        """End every connection, delivering what is queued where a transport can take it now."""
        for connection in list(self.connections.values()):
            connection.close(discard=True)

    def flush_soon(self, connection: Connection) -> None:
        """Flush ``connection`` at the end of the reactor turn, with all that is queued until then."""
        if not self._unflushed:
            self._clock.callLater(0, self._flush)
        self._unflushed.append(connection)

    def drain(self, connection: Connection) -> None:
        """``connection`` is closing but has not delivered everything yet."""
        self._draining.start(connection)

    def pong_received(self, connection: Connection) -> None:
        """The client lives; ask again in a while."""
        self._awaiting.stop(connection)
        self._pinging.start(connection)

    def await_pong(self, connection: Connection) -> None:
        """``connection`` ends unless a pong comes in time."""
        self._awaiting.start(connection)

    def _new_sid(self) -> str:
        # 15 random bytes make the 20 characters that Node's sharded adapter takes for a private room.
        return secrets.token_urlsafe(15)

    def _handshake(self, connection: Connection) -> str:
        settings = self.settings
        upgrades = [
            name
            for name in settings.transports
            if settings.allow_upgrades and name == "websocket" != connection.transport.name
        ]
        return jsontext.encode(
            {
                "sid": connection.sid,
                "upgrades": upgrades,
                "pingInterval": round(settings.ping_interval * 1000),
                "pingTimeout": round(settings.ping_timeout * 1000),
                "maxPayload": settings.max_payload,
            }
        )

    def _flush(self) -> None:
        connections, self._unflushed = self._unflushed, []
        for connection in dict.fromkeys(connections):
            connection.flush()

    def _pong_missing(self, connection: Connection) -> None:
        connection.fail(PING_TIMEOUT, "no pong")

    def _give_up(self, connection: Connection) -> None:
        connection.lost(FORCED_CLOSE, "nobody fetched the rest")
