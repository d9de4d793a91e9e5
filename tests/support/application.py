"""The application behind its two doors, in memory, on a clock of its own; connections are open WebSockets.

    application = Application()
    client = application.socketio()
    client.receive(masked('42["ping"]'))
    client.transport.value()                       # everything that was written since `clear()`
"""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from tests.support.clocks import TwoClocks
from tests.support.memory import HttpClient, MemoryTransport, compose
from tests.support.provider import ScriptedProvider
from tests.support.session_stores import FakeOutage
from tests.support.websockets import CLOSE, HANDSHAKE, TEXT, client_frame, close_payload
from yekta.app.answers import Answers
from yekta.app.counselor import Counselor
from yekta.app.dispatcher import Dispatcher
from yekta.app.events import Events
from yekta.app.hub import Hub
from yekta.app.sessions import Sessions
from yekta.edge.native import NativeDoor, NativePeer
from yekta.edge.socketio import ALIASES, SocketDoor
from yekta.engineio.websocket import WebSocketTransport
from yekta.socketio.recovery import Settings as Recovery
from yekta.socketio.server import Server
from yekta.socketio.settings import Settings
from yekta.timestamps import Timestamps
from yekta.web.origins import Origins
from yekta.web.request import Request
from yekta.web.site import Limits as WebLimits
from yekta.web.site import Site
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.limits import Limits


class Transport(StringTransport):
    """As a socket's, with what an upgrade needs."""

    protocol: Any = None

    def abortConnection(self) -> None:
        self.loseConnection()


def masked(text: str) -> bytes:
    """A client's frame; its mask is zero."""
    payload = text.encode()
    assert len(payload) < 126
    return bytes((0x80 | TEXT, 0x80 | len(payload))) + bytes(4) + payload


class Open:
    """One open connection."""

    def __init__(self, factory: WebSocketFactory, receiver: Any, clock: Clock) -> None:
        self.websocket: Any = factory.build(receiver)
        self.websocket.left = lambda: None
        self.transport = Transport()
        self.receive = self.websocket.dataReceived
        self._clock = clock
        self.websocket.makeConnection(self.transport)
        self.websocket.open_at_once(b"", b"")
        clock.advance(0)

    def say(self, text: str) -> bytes:
        """Send a frame, and give what comes back in this turn."""
        self.transport.clear()
        self.receive(masked(text))
        self._clock.advance(0)
        return self.transport.value()

    def leave(self) -> None:
        """The connection is lost."""
        self.websocket.connectionLost(Failure(ConnectionDone()))


class Application:
    """``dispatcher``, ``hub``, ``answers`` and ``server`` are the application's own, ``store`` its sessions';
    see `Limits` for the other.
    """

    def __init__(self, deflate_threshold: int | None = None) -> None:
        self.clock = TwoClocks(1_769_850_302.123)
        self.store = FakeOutage()
        self.sessions = Sessions(self.store, self.clock)
        self.server = Server(self.clock, Settings(aliases=ALIASES, recovery=Recovery(120)))
        self.hub = Hub(self.sessions, self.server.sockets.adapter)
        self.answers = Answers(self.clock)
        counselor = Counselor(ScriptedProvider(), self.clock, self.answers)
        self.dispatcher = Dispatcher(Events(self.hub, counselor, Timestamps(self.clock)).table(), self.clock)
        SocketDoor(self.server, self.sessions, self.hub, self.dispatcher)
        self._factory = WebSocketFactory(self.clock, Limits(deflate_threshold=deflate_threshold))
        self._door = NativeDoor(
            self._factory, self.sessions, self.hub, self.dispatcher, self.server.sockets.adapter, Origins(())
        )
        self._sites = {
            "native": Site(self.clock, self._door, WebLimits(), doors=self._door),
            "socketio": self.server.factory(),
        }

    def native(self) -> Open:
        """A native connection of a session of its own."""
        token, session = self.acquire()
        return Open(self._factory, NativePeer(session, token, self._door), self.clock)

    def socketio(self, headers: dict[str, str] | None = None, **auth: Any) -> Open:
        """A Socket.IO connection, its namespace joined; with a browser's ``headers`` it may be recovered.

        ``auth``: what it says there besides a token of its own, or instead of it.
        """
        token, _ = self.acquire()
        request = Request("GET", "/socket.io/", {"EIO": "4", "transport": "websocket"}, headers or {})
        engine = self.server.engine
        receiver = WebSocketTransport(engine, request, engine.settings.generate_id())
        client = Open(self.server.websockets, receiver, self.clock)
        client.say("40" + json.dumps({"token": token} | auth))
        return client

    def visitor(self, protocol: str, **fields: str) -> tuple[MemoryTransport, list[bytes]]:
        """A connection that has just been accepted, and what a client says there, chunk by chunk, until it leaves.

        ``fields``: of its request.
        """
        token, _ = self.acquire()
        transport = MemoryTransport(self.clock)
        connection = self._sites[protocol].buildProtocol(transport.getPeer())
        assert connection is not None
        transport.protocol = connection
        connection.makeConnection(transport)
        fields = {**HANDSHAKE, **fields}
        goodbye = client_frame(CLOSE, close_payload(1000))
        if protocol == "native":
            return transport, [compose("GET", f"/ws?token={token}", fields), goodbye]
        opening = compose("GET", "/socket.io/?EIO=4&transport=websocket", fields)
        return transport, [opening, client_frame(TEXT, f'40{{"token":"{token}"}}'.encode()), masked("41") + goodbye]

    def http(self) -> HttpClient:
        """An HTTP connection to the Socket.IO server."""
        return HttpClient(self._sites["socketio"], self.clock)

    def close(self) -> None:
        """Whoever is left leaves; no delayed call may remain."""
        natives = [peer._websocket for peer in self.hub.peers if isinstance(peer, NativePeer)]
        others = [connection.transport.express for connection in self.server.engine.connections.values()]
        for websocket in natives + others:
            websocket.connectionLost(Failure(ConnectionDone()))
        self.answers.stop()
        self.server.close()
        self.clock.advance(200)
        assert self.clock.getDelayedCalls() == []

    def acquire(self) -> tuple[str, Any]:
        """A token, and its session."""
        acquired: list[Any] = []
        ensureDeferred(self.sessions.acquire()).addCallback(acquired.append)
        return acquired[0]
