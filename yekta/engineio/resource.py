"""Engine.IO's door on twisted.web: polling and WebSocket requests, verified and admitted the same way."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.static import File

from yekta import jsontext
from yekta.engineio.connection import Connection
from yekta.engineio.engine import Engine
from yekta.engineio.errors import Refusal, bad_request
from yekta.engineio.exchange import JsonpExchange, WebExchange
from yekta.engineio.polling import Polling
from yekta.web.channel import facts
from yekta.web.request import Request, parse_target
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.upgrade import upgrade

_JSON = "application/json; charset=utf-8"


class EngineResource(Resource):
    """Everything below the path that Socket.IO clients are given, with or without a trailing slash.

    ``bundle``: a folder whose scripts are served there too, for pages that load their client from its server.
    """

    isLeaf = True
    _log = Logger()

    def __init__(self, engine: Engine, websockets: WebSocketFactory, bundle: Path | None = None) -> None:
        super().__init__()
        self._engine = engine
        self._websockets = websockets
        self._scripts = {} if bundle is None else {path.name: path for path in _scripts(bundle)}

    def body_began(self, target: bytes, request: http.Request) -> None:
        """A request's body begins to arrive: told by a `Site` before `render`, where it is asked to."""
        try:
            query = parse_target(target.decode("latin-1"))[1]
        except ValueError:
            return
        connection = self._engine.connections.get(query.get("sid", ""))
        if connection is not None and isinstance(connection.transport, Polling) and "EIO" in query:
            polling = connection.transport
            request.notifyFinish().addBoth(lambda _: polling.post_ended())
            polling.post_began()

    def render(self, request: http.Request) -> bytes | int:
        script = self._scripts.get(request.path.rpartition(b"/")[2].decode("latin-1"))
        if script is not None and request.method in (b"GET", b"HEAD"):
            served: bytes | int = File(str(script)).render_GET(request)
            return served
        try:
            asked = facts(request)
        except ValueError:
            asked = Request("", "", {}, {})
        _Visit(self._engine, self._websockets, request, asked).begin()
        return NOT_DONE_YET


class _Visit:
    """One request on its way: verified, admitted, and then carried to its connection, or refused."""

    def __init__(
        self, engine: Engine, websockets: WebSocketFactory, request: http.Request, asked: Request
    ) -> None:
        settings = engine.settings
        self._engine = engine
        self._websockets = websockets
        self._request = request
        self._asked = asked
        self._headers = settings.origins.response_headers(asked.origin, asked.headers.get("host"))
        make = JsonpExchange if "j" in asked.query else WebExchange
        self._exchange = make(request, asked, self._headers, settings.http_compression)
        self._gone: Deferred[None] = request.notifyFinish()

    def begin(self) -> None:
        origins = self._engine.settings.origins
        if self._asked.method == "OPTIONS" and origins.headers:
            preflight = origins.preflight_headers(self._asked.origin, self._asked.headers.get("host"))
            self._exchange.respond(204, "text/plain", b"", preflight)
            return
        try:
            connection = self._engine.verify(self._asked)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        admission = self._engine.admit(self._asked, self._headers, new=connection is None)
        if admission is None:
            self._carry(connection)
            return
        self._gone.addErrback(lambda _: admission.cancel())
        admission.addCallback(lambda _: self._carry(connection))
        admission.addErrback(self._failed)

    def _carry(self, connection: Connection | None) -> None:
        try:
            if self._asked.upgrade:
                receiver = self._engine.receiver(connection, self._asked, self._headers)
                upgrade(self._request, self._websockets, receiver, self._headers)
                return
            polling = self._engine.poll_received(connection, self._asked, self._exchange, self._headers)
        except Refusal as refusal:
            self._refuse(refusal)
            return

        def hung_up(reason: Failure) -> None:
            self._exchange.lost()
            polling.exchange_lost(self._exchange)

        self._gone.addErrback(hung_up)

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, Refusal):
            self._refuse(failure.value)
        elif not failure.check(CancelledError):
            EngineResource._log.failure("A connection could not be admitted", failure)
            self._refuse(bad_request("MIDDLEWARE_FAILURE"))

    def _refuse(self, refusal: Refusal) -> None:
        self._engine.refused(self._asked, refusal)
        headers = {} if refusal.retry_after is None else {"Retry-After": str(round(refusal.retry_after))}
        body = jsontext.encode({"code": refusal.code, "message": refusal.message})
        self._exchange.respond(refusal.status, _JSON, body.encode(), headers)


def _scripts(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix in (".js", ".map") and path.is_file()]
