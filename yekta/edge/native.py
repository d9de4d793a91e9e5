"""The native WebSocket door: one JSON text frame per event, ``{"event": …, "data": …}``, both ways.

A request that carries an ``id`` has it in its replies.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from yekta import jsontext
from yekta.app.dispatcher import Dispatcher
from yekta.app.errors import RETRY_AFTER
from yekta.app.hub import LEFT, Hub
from yekta.app.peer import Peer
from yekta.app.sessions import Session, Sessions
from yekta.edge.login import STORE_DOWN, NotAuthenticated, authenticate
from yekta.ids import new_id
from yekta.rooms import Joined
from yekta.socketio.acks import Answered
from yekta.socketio.adapter import Adapter, RemoteSocket
from yekta.socketio.message import Message
from yekta.socketio.reasons import SHUTTING_DOWN
from yekta.web.arrival import Arrival, Door, WebArrival
from yekta.web.origins import Origins
from yekta.web.request import Request
from yekta.web.retry import retry_after
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.frame import Utf8
from yekta.websocket.interfaces import IReceiver, IWebSocket
from yekta.websocket.limits import NO_CLOSE, NORMAL, SERVICE_RESTART
from yekta.websocket.shared import SharedText
from yekta.websocket.upgrade import upgrade

# The session of a connection is over (CONTRACT "Authentication"; 4000–4999 are private use, RFC 6455, 7.4.2).
SESSION_ENDED = 4401

# With 1012: the client is welcome again, after a moment of its own choosing.
GOODBYE = SHUTTING_DOWN

# What is said to those who come while we go, and after how many seconds another process will have them.
GOING, COME_BACK = "The server is restarting", 1

# As long as an id may be to be sent back.
_MAX_ID = 128


class NativeFormat:
    """How an event is written for native peers."""

    def encode(self, message: Message) -> SharedText:
        event, *rest = message.args
        data = rest[0] if len(rest) == 1 else rest or None
        return SharedText(jsontext.encode_bytes({"event": event, "data": data}))


NATIVE = NativeFormat()


@implementer(IReceiver)
class NativePeer(Peer):
    """A peer, the receiver of its WebSocket, and a member of the rooms."""

    __slots__ = ("_door", "_websocket", "address", "id", "joined")
    protocol = "native-websocket"
    transport = "websocket"
    address: str
    id: str
    _websocket: IWebSocket

    def __init__(self, session: Session, token: str, door: NativeDoor, address: str = "") -> None:
        super().__init__(session, token)
        self.address = address
        self.id = f"ws-{new_id()}"
        self.joined: Joined = None
        self._door = door

    # -- Peer ----------------------------------------------------------------------------------------------

    @property
    def flowing(self) -> bool:
        return self._websocket.writable

    @property
    def rooms(self) -> Collection[str]:
        return self._door.adapter.rooms.others(self)

    def join(self, *rooms: str) -> None:
        self._door.adapter.add(self, rooms)

    def emit(self, event: str, data: Any) -> None:
        # As `jsontext.encode_bytes`, without a call.
        try:
            text = jsontext.dumps({"event": event, "data": data})
        except jsontext.Unsayable:
            raise jsontext.NotJson from None
        self._websocket.send_encoded(text)

    def session_ended(self, reason: str) -> None:
        self._websocket.close(SESSION_ENDED, reason)

    def send_away(self) -> None:
        self._websocket.close(SERVICE_RESTART, GOODBYE)

    # -- IReceiver -----------------------------------------------------------------------------------------

    def opened(self, websocket: IWebSocket) -> None:
        self._websocket = websocket
        self._door.hub.arrive(self)

    def text_received(self, text: Utf8) -> None:
        door = self._door
        door.touch(self.session.id)
        try:
            message = jsontext.loads(text)
            event = message["event"]
        except jsontext.Refused:
            message = _read(text.decode())
            event = message.get("event")
        except (KeyError, TypeError, IndexError):
            event = None
        if not isinstance(event, str):
            self.emit("error", {"error": "Failed to process message"})
        elif "id" in message:
            door.dispatch(self, event, message.get("data"), self._reply_to(message["id"]))
        else:
            door.dispatch(self, event, message.get("data"), self.emit)

    def binary_received(self, data: bytes) -> None:
        self.emit("error", {"error": "Failed to process message"})

    def connection_lost(self, code: int, reason: str) -> None:
        self._door.adapter.remove_all(self)
        # A reason without a close frame is ours; any other may be the client's.
        self._door.hub.depart(self, reason if code == NO_CLOSE and reason else LEFT)

    def _reply_to(self, id: Any) -> Callable[[str, Any], None]:
        if isinstance(id, str | int | float) and len(str(id)) <= _MAX_ID:
            return partial(self._reply, id)
        return self.emit

    def _reply(self, id: Any, event: str, data: Any) -> None:
        self._websocket.send_encoded(jsontext.encode_bytes({"event": event, "data": data, "id": id}))

    # -- Member --------------------------------------------------------------------------------------------

    @property
    def owner(self) -> Peer:
        return self

    def deliver(self, message: Message) -> None:
        if message.volatile and not self._websocket.writable:
            return
        self._websocket.send_shared(message.encoded(NATIVE))

    def ask(self, message: Message, answered: Answered) -> Callable[[], None] | None:
        """Native clients do not acknowledge."""
        return None

    def describe(self) -> RemoteSocket:
        return RemoteSocket(self.id, frozenset(self.rooms), {}, {})

    def disconnect(self, close: bool = False) -> None:
        self._websocket.close(NORMAL)


class NativeDoor(Resource):
    """The resource that upgrades to native WebSocket, once it knows who comes; nobody while ``draining``."""

    isLeaf = True
    _log = Logger()

    def __init__(
        self,
        websockets: WebSocketFactory,
        sessions: Sessions,
        hub: Hub,
        dispatcher: Dispatcher,
        adapter: Adapter,
        origins: Origins,
    ) -> None:
        super().__init__()
        self.hub = hub
        self.dispatch = dispatcher.dispatch
        self.touch = hub.touch
        self.adapter = adapter
        self._websockets = websockets
        self._sessions = sessions
        self._origins = origins
        self.draining = False

    def render(self, request: http.Request) -> int:
        self.serve(WebArrival(request))
        return NOT_DONE_YET

    def door(self, asked: Request) -> Door:
        """Itself: whoever comes here is served here."""
        return self

    def expect_body(self, asked: Request) -> None:
        """An upgrade has no body."""

    def serve(self, arrival: Arrival) -> None:
        asked = arrival.asked
        if not asked.method:
            self._refuse(arrival, "request", 400, "Bad request")
            return
        headers = asked.headers
        if not self._origins.allow(headers.get("origin"), headers.get("host")):
            self._refuse(arrival, "forbidden", 403, "Origin not allowed")
            return
        if self.draining:
            self._refuse(arrival, "restarting", 503, GOING, COME_BACK)
            return
        token = asked.query.get("token") or asked.bearer()
        session = self._sessions.cached(token)
        if session is not None:
            self._accept(arrival, session, token)
            return
        admission: Deferred[None] = ensureDeferred(self._admit(arrival, token))
        arrival.on_hang_up(admission.cancel)
        admission.addErrback(self._failed, arrival)

    async def _admit(self, arrival: Arrival, token: str | None) -> None:
        self._accept(arrival, await authenticate(self._sessions, token), token)

    def _accept(self, arrival: Arrival, session: Session, token: str | None) -> None:
        upgrade(arrival, self._websockets, NativePeer(session, token or "", self, arrival.asked.address))

    def _failed(self, failure: Failure, arrival: Arrival) -> None:
        if isinstance(failure.value, NotAuthenticated):
            status = failure.value.status
            self._refuse(arrival, "token" if status == 401 else "unavailable", status, failure.value.message)
        elif not failure.check(CancelledError):
            self._log.failure("A native connection could not be admitted", failure)
            self._refuse(arrival, "unavailable", 503, STORE_DOWN)

    def _refuse(self, arrival: Arrival, word: str, status: int, message: str, seconds: float = RETRY_AFTER) -> None:
        """``word``: what it is counted as; ``seconds``: after which one may come back from a 503."""
        self._websockets.refusals[word] += 1
        again = retry_after(seconds if status == 503 else None, ())
        headers = {"Content-Type": "text/plain; charset=utf-8", "Connection": "close", **again}
        arrival.respond(status, headers, message.encode())


def _read(text: str) -> dict[str, Any]:
    """What a peer says, read with patience; empty where it is not what peers say."""
    try:
        message = jsontext.decode(text)
    except jsontext.NotJson:
        return {}
    return message if isinstance(message, dict) else {}
