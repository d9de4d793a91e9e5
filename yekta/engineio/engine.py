"""All Engine.IO connections of one server: the sid registry, who may come in, and their common timers.

Requests come from a door (`resource`); new connections go to whoever was given as ``connected``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from yekta import jsontext
from yekta.engineio.connection import FORCED_CLOSE, PING_TIMEOUT, Connection, State
from yekta.engineio.errors import Refusal, address_full, bad_request, draining, forbidden, unknown_sid
from yekta.engineio.hooks import Function, Hooks
from yekta.engineio.interfaces import Exchange, Transport
from yekta.engineio.packet import OPEN
from yekta.engineio.polling import TRIAL, Polling
from yekta.engineio.settings import Settings
from yekta.engineio.verify import protocol, require_room, verify
from yekta.engineio.websocket import Probe, WebSocketTransport
from yekta.eventually import known
from yekta.rests import Rests
from yekta.timeouts import Timeouts
from yekta.turns import NextTurn
from yekta.web.census import Census
from yekta.web.request import Request
from yekta.websocket.interfaces import IReceiver

# How often the waiting poll of a client that upgrades is ended, in seconds. Not at once: the client's own poll may
# still be on its way.
FREE_POLL = 0.1

# Asked about every request; gets its facts and the headers of the answer, which it may add to. A `Refusal` refuses.
Middleware = Callable[[Request, dict[str, str]], Any]
_OPENING = OPEN.encode() + b'{"sid":'


class Engine:
    """See the module. ``connected(connection)`` must set its handler before it returns.

    ``draining``: let nobody new in. ``rests``: those whose payloads are not handled yet, and others of this process.

    ``hooks``: ``initial_headers(headers, request)``, ``headers(headers, request)``, ``connection(connection)`` and
    ``connection_error(request, refusal)``.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        settings: Settings,
        connected: Callable[[Connection], object],
        rests: Rests | None = None,
    ) -> None:
        self.settings = settings
        self.connections: dict[str, Connection] = {}
        # Those that poll, where an address may have only so many.
        self.polling = Census(settings.max_connections, settings.max_polling_per_address, settings.exempt)
        self.hooks = Hooks()
        self.clock = clock
        self.draining = False
        self.rests = rests or Rests(clock)
        self._connected = connected
        self.middlewares: tuple[Middleware, ...] = ()
        # Each connection waits in one of these (`_await`): for its next ping, a pong, a ping of protocol 3, or for
        # the poll that takes the rest.
        both = settings.ping_interval + settings.ping_timeout
        self._pinging: Timeouts[Connection] = Timeouts(clock, settings.ping_interval, Connection.ping)
        self._awaiting: Timeouts[Connection] = Timeouts(clock, settings.ping_timeout, self._silent)
        self._listening: Timeouts[Connection] = Timeouts(clock, both, self._silent)
        self._draining: Timeouts[Connection] = Timeouts(clock, settings.drain_timeout, self._give_up)
        self.upgrading: Timeouts[Probe] = Timeouts(clock, settings.upgrade_timeout, Probe.end)
        self.trying: Timeouts[Polling] = Timeouts(clock, TRIAL, Polling.held_in_vain)
        self.holding: Timeouts[Polling] = Timeouts(clock, settings.drain_timeout, Polling.held_in_vain)
        self.freeing: Timeouts[Probe] = Timeouts(clock, FREE_POLL, Probe.free_poll)
        # To be called with a connection: flushes it in the next turn, with all that is queued until then.
        self.flush_soon = NextTurn(clock, Connection.flush).add
        # What an OPEN packet says after the sid, by transport and protocol.
        self._facts: dict[tuple[str, int], bytes] = {}

    # -- requests ------------------------------------------------------------------------------------------

    def use(self, middleware: Function) -> Function:
        """Ask ``middleware(request, headers)`` about every request. It may be ``async``."""
        self.middlewares = (*self.middlewares, middleware)
        return middleware

    def verify(self, request: Request) -> Connection | None:
        """The connection that ``request`` belongs to, or ``None``: it wants a new one. Raises :class:`Refusal`."""
        connection = verify(request, self.settings, self.connections)
        if connection is None and self.draining:
            raise draining()
        return connection

    def admit(self, request: Request, headers: dict[str, str], *, new: bool) -> Deferred[None] | None:
        """Ask middlewares and, about a ``new`` connection, ``allow_request``; ``headers`` go with the answer.

        Gives a Deferred where somebody has to think, which fails with :class:`Refusal`.
        """
        if not self.middlewares and (self.settings.allow_request is None or not new):
            self._show(request, headers, new)
            return None
        return ensureDeferred(self._ask(request, headers, new))

    async def _ask(self, request: Request, headers: dict[str, str], new: bool) -> None:
        for middleware in self.middlewares:
            await known(middleware(request, headers))
        if new and self.settings.allow_request is not None and not await known(self.settings.allow_request(request)):
            raise forbidden()
        if new:
            # Others may have come in meanwhile.
            require_room(self.settings, self.connections)
        self._show(request, headers, new)

    def _show(self, request: Request, headers: dict[str, str], new: bool) -> None:
        """Hooks have the last word about ``headers``, as in Node, and nothing to do with who is refused."""
        if self.hooks.functions:
            if new:
                self.hooks.fire("initial_headers", headers, request)
            self.hooks.fire("headers", headers, request)

    def refused(self, request: Request, refusal: Refusal) -> None:
        """A request was refused."""
        if self.hooks.functions:
            self.hooks.fire("connection_error", request, refusal)

    def poll_received(
        self, connection: Connection | None, request: Request, exchange: Exchange, headers: dict[str, str]
    ) -> Polling:
        """A polling request that is verified and admitted. Answers it now or later; may raise `Refusal`."""
        if connection is None:
            sid, spoken = self.new_sid(), protocol(request, self.settings)
            left = self._count(request.address) if self.settings.max_polling_per_address else None
            polling = Polling(binary=not {"b64", "j"} & request.query.keys(), left=left)
            begun = self.begin(request, polling, spoken, sid)
            _require_alive(begun)
            self._set_cookie(headers, begun.sid)
        else:
            _require_alive(connection)
            if not isinstance(connection.transport, Polling):
                raise bad_request("TRANSPORT_MISMATCH")
            polling = connection.transport
        polling.request_received(request, exchange)
        return polling

    def _set_cookie(self, headers: dict[str, str], sid: str) -> None:
        """One that the application set in a hook or a middleware stands, as in Node."""
        cookie = self.settings.cookie
        if cookie is not None and not any(name.lower() == "set-cookie" for name in headers):
            headers["Set-Cookie"] = cookie.header(sid)

    def _count(self, address: str) -> Callable[[], object]:
        """Count one more that polls; gives what to call when it does not any more. Raises `Refusal`."""
        if not self.polling.enter(address):
            raise address_full()
        return self.polling.place(address)

    def receiver(
        self, connection: Connection | None, request: Request, headers: dict[str, str]
    ) -> IReceiver:
        """Who receives from the WebSocket of a request that is verified and admitted. May raise `Refusal`."""
        if connection is not None:
            _require_alive(connection)
            return Probe(self, connection, request)
        sid = self.new_sid()
        self._set_cookie(headers, sid)
        return WebSocketTransport(self, request, sid)

    # -- connections ---------------------------------------------------------------------------------------

    def begin(self, request: Request, transport: Transport, protocol: int, sid: str) -> Connection:
        """A new connection over ``transport``."""
        connection = Connection(self, sid, request, transport, protocol, express=transport.express)
        transport.connection = connection
        self.connections[sid] = connection
        connection.send_encoded(self._opening(connection))
        if self.settings.initial_packet is not None:
            connection.send(self.settings.initial_packet)
        self._await(connection, self._pinging if connection.protocol == 4 else self._listening)
        self._connected(connection)
        if self.hooks.functions:
            self.hooks.fire("connection", connection)
        return connection

    def connection_lost(self, connection: Connection) -> None:
        """Forget it."""
        self.connections.pop(connection.sid, None)
        if connection.awaited is not None:
            connection.awaited.stop(connection)

    def close(self, *, discard: bool = True) -> None:
        """End every connection, delivering what is queued where a transport can take it now; unless ``discard``, a
        client's next poll takes the rest."""
        for connection in list(self.connections.values()):
            connection.close(discard=discard)

    def drain(self, connection: Connection) -> None:
        """``connection`` is closing but has not delivered everything yet. Its heart beats no longer."""
        self._await(connection, self._draining)

    def pong_received(self, connection: Connection) -> None:
        """The client lives; ask again in a while."""
        self._await(connection, self._pinging)

    def await_pong(self, connection: Connection) -> None:
        """``connection`` ends unless a pong comes in time."""
        self._await(connection, self._awaiting)

    def ping_received(self, connection: Connection) -> None:
        """A client of protocol 3 lives."""
        self._await(connection, self._listening)

    def _await(self, connection: Connection, timeouts: Timeouts[Connection]) -> None:
        """Let ``connection`` wait here, and nowhere else."""
        if connection.awaited is not None:
            connection.awaited.stop(connection)
        connection.awaited = timeouts
        timeouts.start(connection)

    def new_sid(self) -> str:
        try:
            sid = self.settings.generate_id()
        except Exception:
            self._log.failure("No id could be made for a connection")
            raise bad_request("ID_GENERATION_ERROR") from None
        if sid in self.connections:
            raise bad_request("ID_GENERATION_ERROR")
        return sid

    def _opening(self, connection: Connection) -> bytes:
        """The OPEN packet (Engine.IO protocol 4, "Handshake"); all but the sid is alike for many."""
        kind = connection.transport.name, connection.protocol
        facts = self._facts.get(kind)
        if facts is None:
            facts = self._facts[kind] = self._find_facts(*kind)
        return _OPENING + jsontext.dumps(connection.sid) + facts

    def _find_facts(self, transport: str, protocol: int) -> bytes:
        settings = self.settings
        may_upgrade = transport == "polling" and settings.allow_upgrades and "websocket" in settings.transports
        fields: dict[str, Any] = {
            "upgrades": ["websocket"] if may_upgrade else [],
            "pingInterval": round(settings.ping_interval * 1000),
            "pingTimeout": round(settings.ping_timeout * 1000),
        }
        if protocol == 4:
            fields["maxPayload"] = settings.max_payload
        return b"," + jsontext.encode_bytes(fields)[1:]

    def _silent(self, connection: Connection) -> None:
        connection.fail(PING_TIMEOUT, "the client fell silent")

    def _give_up(self, connection: Connection) -> None:
        connection.lost(FORCED_CLOSE, "nobody fetched the rest")


def _require_alive(connection: Connection) -> None:
    # It may have ended while its request was being admitted.
    if connection.state is State.CLOSED:
        raise unknown_sid()
