"""Which door a request is for, on each port (CONTRACT "Ports, paths, protocol detection")."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from twisted.web import http
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from yekta import jsontext
from yekta.app import about
from yekta.edge.endpoint import Answer
from yekta.edge.health import HealthDoor, Vitals
from yekta.edge.http import JSON, compose, set_fields
from yekta.edge.native import NativeDoor
from yekta.edge.pages import CONSOLE, Docs, Pages
from yekta.edge.rest import Rest, keep_slashes
from yekta.edge.rest_door import RestDoor
from yekta.engineio.resource import EngineResource
from yekta.web.arrival import Door, WebArrival
from yekta.web.origins import Origins
from yekta.web.request import Request

SOCKET_IO = b"/socket.io"


class ApiPort(Resource):
    """Port 3000: Socket.IO, native WebSocket on one path, pages, and REST for all the rest."""

    isLeaf = True

    def __init__(
        self,
        socketio: EngineResource,
        native: NativeDoor,
        rest: Rest,
        origins: Origins,
        *,
        websocket_path: str,
        console: bool,
    ) -> None:
        super().__init__()
        self._socketio = socketio
        self._native = native
        self._rest = rest.klein().resource()
        self._rest_door = RestDoor(rest)
        self._origins = origins
        # As that of a request is compared: ``/`` is nothing but the slash at its end.
        self._websocket_path = websocket_path.encode().rstrip(b"/")
        self._pages: dict[bytes, Resource] = {b"api-docs": Docs()}
        if console:
            self._pages[b"console"] = Pages(CONSOLE.iterdir())

    def render(self, request: http.Request) -> bytes | int:
        path = request.path.rstrip(b"/")
        if is_socketio_path(path):
            return render(self._socketio, request)
        resource = self._door_of_both(path, eio=has_eio(request), upgrade=is_upgrade(request))
        if resource is not None:
            return render(resource, request)
        if request.method == b"OPTIONS":
            return preflight(request, self._origins)
        if not is_utf8(path):
            error = {"success": False, "error": "Bad Request", "message": "Bad Request"}
            return compose(request, Answer(400, error))
        page = self._pages.get(path.partition(b"/")[2].partition(b"/")[0])
        # The documents that stand beside the documentation are REST's.
        if page is not None and not path.endswith(b"api.json"):
            return render(page, request)
        keep_slashes(request)
        return render(self._rest, request)

    def door(self, asked: Request) -> Door | None:
        path = asked.path.encode()
        if is_socketio_path(path):
            return self._socketio.door(asked)
        resource = self._door_of_both(path.rstrip(b"/"), eio="EIO" in asked.query, upgrade=asked.upgrade)
        return (resource or self._rest_door).door(asked)

    def _door_of_both(self, path: bytes, *, eio: bool, upgrade: bool) -> EngineResource | NativeDoor | None:
        """Whose a request is on the path that both may be asked on."""
        if path != self._websocket_path:
            return None
        if eio:
            return self._socketio
        return self._native if upgrade else None


class WebSocketPort(Resource):
    """Port 3500: Socket.IO by path or by query, native WebSocket on every other path, health, and what it is."""

    isLeaf = True

    def __init__(
        self,
        socketio: EngineResource,
        native: NativeDoor,
        vitals: Vitals,
        origins: Origins,
        *,
        websocket_path: str,
    ) -> None:
        super().__init__()
        self._socketio = socketio
        self._native = native
        self._origins = origins
        self._about = about.websocket(websocket_path)
        self._health = HealthDoor(vitals, origins, self._about)

    def render(self, request: http.Request) -> bytes | int:
        resource = self._doors(request.path, eio=has_eio(request), upgrade=is_upgrade(request))
        if resource is not None:
            return render(resource, request)
        if request.method == b"OPTIONS":
            return preflight(request, self._origins)
        if request.method in (b"GET", b"HEAD"):
            arrival = WebArrival(request)
            if self._health.knows(arrival.asked.path):
                self._health.serve(arrival)
                return NOT_DONE_YET
        cors = self._origins.response_headers(request.getHeader("origin"), request.getHeader("host"))
        return compose(request, Answer(200, self._about), cors)

    def door(self, asked: Request) -> Door | None:
        resource = self._doors(asked.path.encode(), eio="EIO" in asked.query, upgrade=asked.upgrade)
        if resource is not None:
            return resource.door(asked)
        return self._health if asked.method == "GET" and self._health.knows(asked.path) else None

    def _doors(self, path: bytes, *, eio: bool, upgrade: bool) -> EngineResource | NativeDoor | None:
        if is_socketio_path(path) or eio:
            return self._socketio
        return self._native if upgrade else None


def render(resource: IResource, request: http.Request) -> bytes | int:
    """Let ``resource`` answer."""
    rendered: bytes | int = resource.render(request)
    return rendered


def is_utf8(path: bytes) -> bool:
    """Whether ``path`` spells text: Klein would log those that do not."""
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return False
    return True


def is_socketio_path(path: bytes) -> bool:
    """Whether the path is Socket.IO's own."""
    return path == SOCKET_IO or path.startswith(SOCKET_IO + b"/")


def has_eio(request: http.Request) -> bool:
    """Whether the query names an Engine.IO protocol."""
    return b"EIO" in request.args


def is_upgrade(request: http.Request) -> bool:
    """Whether the client asks for a WebSocket."""
    return (request.getHeader("upgrade") or "").lower() == "websocket"


def preflight(request: http.Request, origins: Origins) -> int:
    """Answer ``OPTIONS``."""
    request.setResponseCode(204)
    set_fields(request, origins.preflight_headers(request.getHeader("origin"), request.getHeader("host")))
    request.finish()
    return NOT_DONE_YET


# What is refused before it has arrived, by status: error and message of REST's answer.
_REFUSED = {
    413: ("Content Too Large", "The request's body is too large."),
    429: ("Too many connections", "Too many of them came from this address. Please try again later."),
}


def refused(
    origins: Origins, status: int, path: bytes, origin: str | None, host: str | None
) -> tuple[dict[str, str], bytes]:
    """The head and body of a 413 or 429: Engine.IO's clients expect an empty one, REST's an error."""
    headers = origins.response_headers(origin, host)
    if is_socketio_path(path.partition(b"?")[0]):
        return headers, b""
    error, message = _REFUSED[status]
    body = {"success": False, "error": error, "message": message}
    return {**headers, "Content-Type": JSON}, jsontext.encode(body).encode()
