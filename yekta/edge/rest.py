"""The REST door, on Klein. Bodies and error texts are the original's (CONTRACT "REST")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import attrs
from klein import Klein
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.logger import Logger
from twisted.web import http
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from yekta.app import about
from yekta.app.dispatcher import Event
from yekta.app.errors import ClientError, forget_frames
from yekta.app.schemas import Chat, read
from yekta.edge import asyncapi, openapi
from yekta.edge.endpoint import TIME, Answer, Call, Endpoint
from yekta.edge.health import Vitals
from yekta.edge.http import compose, find_token, read_body, refusal, set_fields
from yekta.edge.rest_ai import RestAi
from yekta.edge.rest_auth import RestAuth
from yekta.web.facts import facts
from yekta.web.origins import Origins
from yekta.web.request import Request

_AUTH = "/api/auth/"


class Rest:
    """``websocket_path`` is only told to clients. ``legacy_status``: errors of `/api/auth/` come with 200."""

    _log = Logger()

    def __init__(
        self,
        auth: RestAuth,
        ai: RestAi,
        vitals: Vitals,
        origins: Origins,
        events: Mapping[str, Event],
        *,
        websocket_path: str = "/ws",
        legacy_status: bool = False,
    ) -> None:
        self._auth = auth
        self._ai = ai
        self._vitals = vitals
        self._origins = origins
        self._connections = about.connections(websocket_path, events)
        self._legacy_status = legacy_status
        self._events_document = asyncapi.document(events)
        self._document = openapi.document(self.endpoints())

    def klein(self) -> Klein:
        """The routes."""
        app = Klein()
        # What it would answer otherwise is a redirection without an address.
        app.url_map.merge_slashes = False
        for endpoint in self.endpoints():
            for spelling in endpoint.spellings:
                path = spelling.replace("{", "<").replace("}", ">")
                app.route(path, methods=[endpoint.method])(self._serve(endpoint))
        app.handle_errors(HTTPException)(self._not_routed)
        return app

    def endpoints(self) -> list[Endpoint]:
        """The table."""
        state = {"success": True, "status": "healthy", "timestamp": TIME}
        ready = {**state, "status": "ready", "checks": {"database": "up", "ai": "up"}}
        return [
            Endpoint("GET", "/", "What this is", self.root, {"success": True, **about.api()}),
            Endpoint("GET", "/health", "Whether the process lives", self.healthy, state),
            Endpoint("GET", "/health/live", "Whether the process lives", self.live, state),
            Endpoint("GET", "/health/ready", "Whether it can serve", self.ready, ready, errors=(503,)),
            Endpoint(
                "GET",
                "/websocket-info",
                "How to connect",
                self.websocket_info,
                {"success": True, **self._connections},
            ),
            Endpoint("GET", "/api-docs/openapi.json", "This document", self.openapi, {"openapi": "3.1.0"}),
            Endpoint("GET", "/api-docs/asyncapi.json", "The events", self.asyncapi, {"asyncapi": "3.0.0"}),
            *self._auth.endpoints(),
            *self._ai.endpoints(),
        ]

    async def root(self, call: Call) -> dict[str, Any]:
        return {"success": True, **about.api()}

    async def healthy(self, call: Call) -> Answer:
        return await self._vitals.live()

    async def live(self, call: Call) -> Answer:
        return await self._vitals.live()

    async def ready(self, call: Call) -> Answer:
        return await self._vitals.ready()

    async def websocket_info(self, call: Call) -> dict[str, Any]:
        return {"success": True, **self._connections}

    async def asyncapi(self, call: Call) -> dict[str, Any]:
        return self._events_document

    async def openapi(self, call: Call) -> dict[str, Any]:
        return self._document

    # -- around every endpoint -------------------------------------------------------------------------------

    async def answer(
        self,
        endpoint: Endpoint,
        asked: Request,
        raw: bytes,
        names: Mapping[str, str] = {},
        request: http.Request | None = None,
    ) -> Answer | None:
        """What ``endpoint`` answers to a request with the body ``raw``; ``None`` where it has answered by itself."""
        try:
            body = read_body(raw, asked) if endpoint.method != "GET" else {}
            token = find_token(asked, body) if endpoint.takes_token else None
            call = Call(asked, _shaped(endpoint, body), token, names, endpoint.given(asked), request)
            # For as long as the answer takes, what is said beside the shape may take thirty times its bytes.
            del body, raw
            answer = await endpoint.handler(call)
        except CancelledError:
            # The client has gone.
            raise
        except Exception as error:
            failed = self._failed(error, asked.path)
            # An answer of the AI keeps its error for others to be told, and with that this request, body and all.
            forget_frames(error)
            return failed
        return Answer(200, answer) if isinstance(answer, dict) else answer

    def _failed(self, error: BaseException, path: str) -> Answer:
        answer = refusal(error, self._log)
        return attrs.evolve(answer, status=200) if self._legacy_status and path.startswith(_AUTH) else answer

    def headers(self, origin: str | None) -> dict[str, str]:
        """What goes with every answer to a page of ``origin``."""
        return self._origins.response_headers(origin)

    # -- Klein -----------------------------------------------------------------------------------------------

    def _serve(self, endpoint: Endpoint) -> Callable[..., Deferred[bytes]]:
        def serve(request: http.Request, **names: str) -> Deferred[bytes]:
            # As `keep_slashes` has left them.
            spelled = {name: unquote(value) for name, value in names.items()}
            return ensureDeferred(self._render(endpoint, request, spelled))

        serve.__name__ = endpoint.handler.__name__
        return serve

    async def _render(self, endpoint: Endpoint, request: http.Request, names: Mapping[str, str]) -> bytes:
        cors = self._add_headers(request)
        try:
            asked = facts(request)
        except ValueError:
            error = ClientError("Bad Request", "The query has too many fields.")
            answer: Answer | None = self._failed(error, request.path.decode("latin-1"))
        else:
            answer = await self.answer(endpoint, asked, _take_body(request), names, request)
        return b"" if answer is None else compose(request, answer, cors)

    def _not_routed(self, request: http.Request, failure: Any) -> bytes:
        cors = self._add_headers(request)
        error = failure.value
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            request.setHeader("allow", ", ".join(sorted(error.valid_methods)))
        status = error.code or 404
        text = HTTPStatus(status).phrase
        return compose(request, Answer(status, {"success": False, "error": text, "message": text}), cors)

    def _add_headers(self, request: http.Request) -> dict[str, str]:
        """Whoever answers by itself has them too."""
        cors = self.headers(request.getHeader("origin"))
        set_fields(request, cors)
        return cors


def keep_slashes(request: Any) -> None:
    """See to it that Klein, which joins the segments of a path again, leaves a slash inside of one where it is."""
    request.postpath = [segment.replace(b"%", b"%25").replace(b"/", b"%2F") for segment in request.postpath]


def _take_body(request: http.Request) -> bytes:
    """Its body, of which it keeps nothing."""
    if request.content is None:
        return b""
    with request.content as content:
        raw: bytes = content.read()
    return raw


def _shaped(endpoint: Endpoint, body: dict[str, Any]) -> Any:
    if endpoint.body is None:
        return None
    if endpoint.body is Chat and not body.get("message"):
        raise ClientError("Message is required")
    return read(body, endpoint.body)
