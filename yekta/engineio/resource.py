"""Engine.IO's door, on and off twisted.web: polling and WebSocket requests verified and admitted the same way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from yekta import jsontext
from yekta.engineio.connection import Connection
from yekta.engineio.engine import Engine
from yekta.engineio.errors import Refusal, bad_request
from yekta.engineio.exchange import HttpExchange, JsonpExchange
from yekta.engineio.newcomers import Newcomers
from yekta.engineio.polling import Polling
from yekta.engineio.regulars import Regulars
from yekta.engineio.verify import origin_headers
from yekta.web.arrival import Arrival, Door, WebArrival
from yekta.web.kept import KeptFile
from yekta.web.request import Request, parse_target
from yekta.web.retry import retry_after
from yekta.web.written import settle
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
        self._regulars = Regulars(engine)
        self._newcomers = Newcomers(engine, websockets)
        self._websockets = websockets
        self._scripts = {} if bundle is None else {path.name: KeptFile(path) for path in _scripts(bundle)}

    # -- twisted.web ---------------------------------------------------------------------------------------

    def body_began(self, target: bytes, request: http.Request) -> None:
        """A request's body begins to arrive: told by a `Site` before `render`, where it is asked to."""
        try:
            path, query = parse_target(target.decode("latin-1"))
        except ValueError:
            return
        ended = self.expect_body(Request("", path, query, {}))
        if ended is not None:
            # One that is refused ends as if its client had hung up.
            request.notifyFinish().addCallbacks(lambda _: ended(False), lambda _: ended(request.code < 400))

    def refused(
        self, status: int, target: bytes, origin: str | None, host: str | None
    ) -> tuple[dict[str, str], bytes]:
        """The headers and body of the answer to what a `Site` refuses: pages may read its status."""
        return origin_headers(origin, host, self._engine.settings) or {}, b""

    def render(self, request: http.Request) -> bytes | int:
        script = self._script(request.path.decode("latin-1"))
        if script is not None and request.method in (b"GET", b"HEAD"):
            return script.render(request)
        self.serve(WebArrival(request))
        return NOT_DONE_YET

    # -- Doors, Door ---------------------------------------------------------------------------------------

    def door(self, asked: Request) -> Door | None:
        return self if not self._scripts or self._script(asked.path) is None else None

    def expect_body(self, asked: Request) -> Callable[[bool], object] | None:
        connection = self._engine.connections.get(asked.query.get("sid", ""))
        if connection is None or not isinstance(connection.transport, Polling) or "EIO" not in asked.query:
            return None
        connection.transport.post_began()
        return connection.transport.post_ended

    def serve(self, arrival: Arrival) -> None:
        try:
            known = self._regulars if "sid" in arrival.asked.query else self._newcomers
            if not known.serve(arrival):
                _Visit(self._engine, self._websockets, arrival).begin()
        except Refusal as refusal:
            _Visit(self._engine, self._websockets, arrival).refuse(refusal)

    def _script(self, path: str) -> KeptFile | None:
        return self._scripts.get(path.rpartition("/")[2]) if self._scripts else None


class _Visit:
    """One request on its way: verified, admitted, and then carried to its connection, or refused."""

    __slots__ = ("_arrival", "_asked", "_engine", "_headers", "_websockets")

    def __init__(self, engine: Engine, websockets: WebSocketFactory, arrival: Arrival) -> None:
        asked, settings = arrival.asked, engine.settings
        self._engine = engine
        self._websockets = websockets
        self._arrival = arrival
        self._asked = asked
        self._headers = settings.origins.response_headers(asked.origin, asked.headers.get("host"))

    def _exchange(self) -> HttpExchange:
        """To be asked for once, by whoever answers: an upgrade has none."""
        make = JsonpExchange if "j" in self._asked.query else HttpExchange
        return make(self._arrival, self._headers, self._engine.settings.http_compression)

    def begin(self) -> None:
        origins = self._engine.settings.origins
        if self._asked.method == "OPTIONS" and origins.headers:
            headers = self._asked.headers
            # A page may send any header with its polls: the ``extraHeaders`` of its client.
            names = headers.get("access-control-request-headers", "")
            preflight = origins.preflight_headers(self._asked.origin, headers.get("host"), names)
            self._exchange().respond(204, "text/plain", b"", preflight)
            return
        try:
            connection = self._engine.verify(self._asked)
        except Refusal as refusal:
            self.refuse(refusal)
            return
        admission = self._engine.admit(self._asked, self._headers, new=connection is None)
        if admission is None:
            self._carry(connection)
            return
        self._arrival.on_hang_up(admission.cancel)
        admission.addCallback(lambda _: self._carry(connection))
        admission.addErrback(self._failed)

    def _carry(self, connection: Connection | None) -> None:
        settle(self._headers)
        try:
            if self._asked.upgrade:
                receiver = self._engine.receiver(connection, self._asked, self._headers)
                upgrade(self._arrival, self._websockets, receiver, self._headers)
                return
            exchange = self._exchange()
            polling = self._engine.poll_received(connection, self._asked, exchange, self._headers)
        except Refusal as refusal:
            self.refuse(refusal)
            return
        self._arrival.on_hang_up(partial(polling.exchange_lost, exchange))

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, Refusal):
            self.refuse(failure.value)
        elif not failure.check(CancelledError):
            EngineResource._log.failure("A connection could not be admitted", failure)
            self.refuse(bad_request("MIDDLEWARE_FAILURE"))

    def refuse(self, refusal: Refusal) -> None:
        self._engine.refused(self._asked, refusal)
        if self._asked.upgrade:
            self._websockets.refusals[refusal.word] += 1
        settle(self._headers)
        headers = retry_after(refusal.retry_after, self._headers)
        body = jsontext.encode({"code": refusal.code, "message": refusal.message})
        self._exchange().respond(refusal.status, _JSON, body.encode(), headers)


def _scripts(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix in (".js", ".map") and path.is_file()]
