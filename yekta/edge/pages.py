"""The pages: static files of ours, and the documentation of REST. They load nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from twisted.web import http
from twisted.web.resource import Resource

from yekta.edge.endpoint import Answer
from yekta.edge.http import compose
from yekta.web.kept import KeptFile

# The files of the page to try the service.
CONSOLE = Path(__file__).with_name("console")

# The console may talk to a gateway on another port. ``default-src`` does not say that no page of others may show ours,
# to have its buttons pressed, nor that forms are for our scripts alone.
_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss: http: https:; "
    "img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

_DOCS = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>YektaYar API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/api-docs/swagger-ui.css"></head><body><div id="swagger-ui"></div>
<script src="/api-docs/swagger-ui-bundle.js"></script><script src="/api-docs/start.js"></script></body></html>
"""
# What the page loads of a package that holds an editor too, of twenty megabytes.
_ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js")
_DOCS_START = b'SwaggerUIBundle({url: "/api-docs/openapi.json", dom_id: "#swagger-ui"});\n'


class Pages(Resource):
    """Static files of ours, by their name below one path."""

    isLeaf = True

    def __init__(self, files: Iterable[Path]) -> None:
        super().__init__()
        self._files = {path.name: KeptFile(path) for path in files if path.is_file()}

    def render(self, request: http.Request) -> bytes | int:
        name = request.path.rstrip(b"/").split(b"/", 2)[2:]
        file = self._files.get(name[0].decode("latin-1") if name else "index.html")
        if file is None or request.method not in (b"GET", b"HEAD"):
            error = {"success": False, "error": "Not Found", "message": "Not Found"}
            return compose(request, Answer(404, error))
        secure(request)
        return file.render(request)


class Docs(Resource):
    """Swagger UI over our OpenAPI document; its assets come with a package from the index, nothing from a CDN."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        spec = find_spec("swagger_ui")
        folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else Path()
        self._assets = Pages(folder / "static" / name for name in _ASSETS)

    def render(self, request: http.Request) -> bytes | int:
        path = request.path.rstrip(b"/")
        secure(request)
        if path == b"/api-docs":
            return _DOCS
        if path == b"/api-docs/start.js":
            request.setHeader("content-type", "text/javascript; charset=utf-8")
            return _DOCS_START
        return self._assets.render(request)


def secure(request: http.Request) -> None:
    """Say to the browser that the page stands alone."""
    request.setHeader("content-security-policy", _CONTENT_SECURITY_POLICY)
    request.setHeader("x-content-type-options", "nosniff")
    request.setHeader("referrer-policy", "no-referrer")
