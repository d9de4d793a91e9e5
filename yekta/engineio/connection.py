"""One Engine.IO connection: queue, heartbeat, upgrade, close. No I/O; clocks are its engine's.

    OPEN ──close()──▶ CLOSING ──queue delivered──▶ CLOSED
      └──────transport lost, time-out, error──────────▲

A transport reports upwards (`packet_received`, `transport_lost`); the user sends downwards (`send`, `close`). The
transport changes under a living connection when a client upgrades from long polling to WebSocket.

Follows the Engine.IO protocol 4, "Heartbeat" and "Upgrade"; where it is silent, engine.io 6.6.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import attrs

from yekta.engineio.hooks import Hooks
from yekta.engineio.interfaces import Express, Handler, Prepared, Transport
from yekta.engineio.packet import CLOSE, MESSAGE, NOOP, PING, PONG, UPGRADE, Packet
from yekta.web.request import Request

if TYPE_CHECKING:
    from yekta.engineio.engine import Engine
    from yekta.engineio.websocket import Probe
    from yekta.timeouts import Timeouts


class State(enum.Enum):
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


# Looked up for every packet, where an attribute of an enum costs twice a global.
STATE_OPEN = State.OPEN


class Pong(enum.Enum):
    """Whether a pong is due. Other traffic shows that the client lives and buys it one more wait (engine.io 6.6.12)."""

    NOT_AWAITED = 0
    AWAITED = 1
    AWAITED_AGAIN = 2


_AWAITED = Pong.AWAITED

# Node's reasons, which applications show to their users.
TRANSPORT_CLOSE, TRANSPORT_ERROR = "transport close", "transport error"
FORCED_CLOSE, PING_TIMEOUT, PARSE_ERROR = "forced close", "ping timeout", "parse error"

# What our log calls a client that does not read.
SLOW_CONSUMER = "slow consumer"

# What a packet that waits takes besides its bytes: an object, and its place in a list.
OVERHEAD = 64


@attrs.define(eq=False, repr=False, weakref_slot=False)
class Connection:
    """See the module. ``request`` is the handshake; ``protocol`` is 4, or 3 for the clients of Socket.IO 2.

    ``probe``: the WebSocket that the client tries, while it does. ``corked``: a POST is handled, and all that is said
    meanwhile goes out together, with `uncork`.

    ``express``: the fast path of texts, in by `Handler.text_received` and out here, while the connection is open on
    WebSocket, has no hooks, and no pong is due; `None` otherwise.

    ``queued``: the bytes that wait for the transport.

    ``awaited``: the time-outs of its engine that it is in: it waits for its next ping, for a pong, …
    """

    engine: Engine
    sid: str
    request: Request
    transport: Transport
    protocol: int = 4
    handler: Handler = attrs.field(init=False)
    state: State = State.OPEN
    probe: Probe | None = None
    corked: bool = False
    express: Express | None = None
    awaited: Timeouts[Connection] | None = None
    _queue: tuple[Packet, ...] | list[Packet] = ()
    queued: int = 0
    _compress: bool = False
    _pong: Pong = Pong.NOT_AWAITED
    _hooks: Hooks | None = None

    # -- from the transport ------------------------------------------------------------------------------

    def packet_received(self, packet: Packet) -> None:
        """Whatever arrives, one packet at a time."""
        if self.state is not STATE_OPEN and (packet != CLOSE or self.state is State.CLOSED):
            return
        if self._hooks is not None:
            self._hooks.fire("packet", packet)
            if self.state is not STATE_OPEN and (packet != CLOSE or self.state is State.CLOSED):
                # Whoever looks on has ended it.
                return
        if self._pong is _AWAITED:
            self._pong = Pong.AWAITED_AGAIN
            self.engine.await_pong(self)
            self.find_express()
        if packet[:1] == MESSAGE:
            self.handler.message_received(packet[1:])
        elif isinstance(packet, bytes):
            self.handler.message_received(packet)
        else:
            self._control_received(packet)

    def _control_received(self, packet: str) -> None:
        kind = packet[0]
        if kind == PONG and self.protocol == 4:
            self._pong_received()
        elif kind == PING and self.protocol == 3:
            self.engine.ping_received(self)
            self.send_packet(PONG + packet[1:])
            self._fire("heartbeat")
        elif kind == CLOSE:
            # A poll that the client still has waiting is freed, as for an upgrade: its end is no news.
            self.transport.abandon()
            self.fail(TRANSPORT_CLOSE, "closed by the client")
        elif kind in (NOOP, UPGRADE):
            return
        else:
            # A client does not ping since protocol 4, and never opens.
            self.fail(TRANSPORT_ERROR, "unexpected packet type")

    def _pong_received(self) -> None:
        if self._pong is not Pong.NOT_AWAITED:
            self._pong = Pong.NOT_AWAITED
            self.engine.pong_received(self)
            self._fire("heartbeat")

    def transport_lost(self, transport: Transport, reason: str, description: str) -> None:
        """``transport`` is gone. Ends the connection where it was the current one."""
        if transport is self.transport:
            self.lost(reason, description)

    # -- from the user -----------------------------------------------------------------------------------

    @property
    def flowing(self) -> bool:
        """Whether a message would reach the client soon; where not, volatile ones are better dropped."""
        return self.state is STATE_OPEN and not self._queue and self.transport.flowing

    @property
    def hooks(self) -> Hooks:
        """``packet(packet)``, ``packetCreate(packet)``, ``drain()``, ``upgrade(transport)``, ``heartbeat()`` and
        ``close(reason, description)``."""
        if self._hooks is None:
            self._hooks = Hooks()
            self.find_express()
        return self._hooks

    def send(self, data: Packet) -> None:
        """Send a message: text or bytes."""
        if not isinstance(data, str):
            self.send_packet(data)
        elif self.express is None:
            self.send_packet(MESSAGE + data)
        else:
            self.express.send_encoded((MESSAGE + data).encode())

    def send_packet(self, packet: Packet, compress: bool = True) -> None:
        """Send a packet. Closes the connection where its client has let too much pile up."""
        if self.state is not STATE_OPEN:
            return
        if self._hooks is not None:
            self._hooks.fire("packetCreate", packet)
        if self.transport.immediate and not self._queue:
            self.transport.send((packet,), compress)
            return
        size = OVERHEAD + (len(packet.encode()) if isinstance(packet, str) and not packet.isascii() else len(packet))
        if self._queue and self.queued + size > self.engine.settings.max_queued:
            # A single message may be larger than the bound: it only waits for its turn.
            if not self.transport.writable:
                self.fail(TRANSPORT_ERROR, SLOW_CONSUMER)
                return
            # A POST is handled, and a poll waits: what was said so far need not wait for the rest.
            self.flush()
            if self.state is not STATE_OPEN:
                return
        if isinstance(self._queue, tuple):
            self._queue = []
        self._queue.append(packet)
        self.queued += size
        self._compress |= compress
        if not self.corked:
            self.engine.flush_soon(self)

    def send_encoded(self, packet: bytes) -> None:
        """Send a text packet that is UTF-8 already."""
        if self.express is None:
            self.send_packet(packet.decode())
        else:
            self.express.send_encoded(packet)

    def send_prepared(self, prepared: Prepared) -> None:
        """Send a message that was encoded once for many."""
        transport = self.transport
        if transport.immediate and self.state is STATE_OPEN and not self._queue and self._hooks is None:
            transport.send_prepared(prepared)
        else:
            for packet in prepared.packets:
                self.send_packet(packet, prepared.compress)

    def uncork(self) -> None:
        """Let go of what was said while the connection was corked."""
        if self._queue:
            self.flush()

    def flush(self) -> None:
        """Hand the queue to the transport if it can take it."""
        if not self.transport.writable or self.state is State.CLOSED:
            return
        if self._queue:
            packets, self._queue, self.queued = [*self._queue], (), 0
            compress, self._compress = self._compress, False
            self.transport.send(packets, compress)
            self._fire("drain")
        if not self._queue and self.state is STATE_OPEN:
            self.handler.drained()
        if self.state is State.CLOSING and self.transport.writable:
            # Not in the poll that brought the rest: clients end at once, before they look at what came along.
            self._finish()

    def close(self, *, discard: bool = False) -> None:
        """End the connection once what is queued has been delivered; with ``discard``, at once."""
        if self.state is State.CLOSED or (self.state is State.CLOSING and not discard):
            return
        self.state = State.CLOSING
        self.flush()
        if discard:
            self._finish()
        elif self.state is State.CLOSING:
            # Long polling: the next poll takes the rest, or is told of the end, if it comes in time.
            self.engine.drain(self)

    def fail(self, reason: str, description: str) -> None:
        """End the connection at once: the client left, broke the protocol, or did not answer."""
        if self.state is not State.CLOSED:
            self.transport.close()
            self.lost(reason, description)

    # -- ends ----------------------------------------------------------------------------------------------

    def upgraded(self, transport: Transport) -> None:
        """Carry on over ``transport``; what waits goes out there."""
        old, self.transport, self.probe = self.transport, transport, None
        old.abandon()
        self._fire("upgrade", transport)
        self.flush()
        self.find_express()

    def lost(self, reason: str, description: str = "") -> None:
        """It is over, however it came. Told once."""
        if self.state is State.CLOSED:
            return
        self.state, self.express = State.CLOSED, None
        self._queue, self.queued = (), 0
        self.transport.abandon()
        if self.probe is not None:
            self.probe.end()
        self.engine.connection_lost(self)
        self.handler.connection_lost(reason, description)
        # Who used it knows it too: together they would wait for the collector, with all that belongs to them.
        del self.handler
        self._fire("close", reason, description)
        self._hooks = None

    def ping(self) -> None:
        """Ask whether the client is still there."""
        self._pong, self.express = Pong.AWAITED, None
        self.engine.await_pong(self)
        self.send_packet(PING)

    def find_express(self) -> None:
        """Take the fast path wherever there is one now; to be called when anything has changed that decides it."""
        is_plain = self.state is STATE_OPEN and self._hooks is None and self._pong is not _AWAITED
        self.express = self.transport.express if is_plain else None

    def _fire(self, event: str, *args: object) -> None:
        if self._hooks is not None:
            self._hooks.fire(event, *args)

    def _finish(self) -> None:
        if self.state is not State.CLOSED:
            self.transport.close()
            self.lost(FORCED_CLOSE)
