"""Engine.IO's door on twisted.web: polling and WebSocket requests, verified and admitted the same way."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from yekta import jsontext
from yekta.engineio.connection import Connection
from yekta.engineio.engine import Engine
from yekta.engineio.errors import Refusal, bad_request
from yekta.web.channel import facts
from yekta.web.request import Request
from yekta.websocket.protocol import WebSocketFactory
from yekta.websocket.upgrade import upgrade

_JSON = "application/json; charset=utf-8"


class WebExchange:
    """One polling request that waits for its answer."""

    def __init__(self, request: http.Request, headers: Mapping[str, str]) -> None:
        self.body: bytes = request.content.read() if request.content is not None else b""
        self._request: http.Request | None = request
        self._headers = headers

    def respond(
        self, status: int, content_type: str, body: bytes, headers: Mapping[str, str] = {}
    ) -> None:
        request, self._request = self._request, None
        if request is None:
            return
        request.setResponseCode(status)
        for name, value in {**self._headers, **headers}.items():
            request.setHeader(name, value)
        request.setHeader("content-type", content_type)
        request.setHeader("cache-control", "no-store")
        request.setHeader("content-length", str(len(body)))
        request.write(body)
        request.finish()

    def lost(self) -> None:
        """The client hung up."""
        self._request = None


class EngineResource(Resource):
    """Everything below the path that Socket.IO clients are given, with or without a trailing slash."""

    isLeaf = True
    _log = Logger()

    def __init__(self, engine: Engine, websockets: WebSocketFactory) -> None:
        super().__init__()
        self._engine = engine
        self._websockets = websockets

    def render(self, request: http.Request) -> int:
        try:
            asked = facts(request)
        except ValueError:
            asked = Request("", "", {}, {})
        exchange = WebExchange(request, self._engine.settings.origins.response_headers(asked.origin))
        if asked.method == "OPTIONS":
            preflight = self._engine.settings.origins.preflight_headers(asked.origin)
            exchange.respond(204, "text/plain", b"", preflight)
        else:
            self._serve(request, asked, exchange)
        return NOT_DONE_YET

    def _serve(self, request: http.Request, asked: Request, exchange: WebExchange) -> None:
        try:
            connection = self._engine.verify(asked)
        except Refusal as refusal:
            self._refuse(refusal, exchange)
            return
        gone = request.notifyFinish()
        if connection is not None:
            self._carry(connection, request, asked, exchange, gone)
            return
        admitted = self._engine.admit(asked)
        gone.addErrback(lambda _: admitted.cancel())
        admitted.addCallback(lambda _: self._carry(None, request, asked, exchange, gone))
        admitted.addErrback(self._failed, exchange)

    def _carry(
        self,
        connection: Connection | None,
        request: http.Request,
        asked: Request,
        exchange: WebExchange,
        gone: Deferred[None],
    ) -> None:
        if asked.upgrade:
            upgrade(request, self._websockets, self._engine.receiver(connection, asked))
            return
        try:
            polling = self._engine.poll_received(connection, asked, exchange)
        except Refusal as refusal:
            self._refuse(refusal, exchange)
            return

        def hung_up(reason: Failure) -> None:
            exchange.lost()
            polling.exchange_lost(exchange)

        gone.addErrback(hung_up)

    def _failed(self, failure: Failure, exchange: WebExchange) -> None:
        if isinstance(failure.value, Refusal):
            self._refuse(failure.value, exchange)
        else:
            self._log.failure("A connection could not be admitted", failure)
            self._refuse(bad_request("MIDDLEWARE_FAILURE"), exchange)

    def _refuse(self, refusal: Refusal, exchange: WebExchange) -> None:
        headers = {} if refusal.retry_after is None else {"Retry-After": str(round(refusal.retry_after))}
        body = jsontext.encode({"code": refusal.code, "message": refusal.message})
        exchange.respond(refusal.status, _JSON, body.encode(), headers)
