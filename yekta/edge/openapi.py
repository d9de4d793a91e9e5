"""The OpenAPI 3.1 document, made from the endpoints' own declarations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from yekta import __version__
from yekta.app import about
from yekta.edge.endpoint import Endpoint

_REF = "#/components/schemas/{name}"

_ERROR = {
    "type": "object",
    "required": ["success", "error"],
    "properties": {
        "success": {"const": False},
        "error": {"type": "string", "description": "A short text that programs may branch on"},
        "message": {"type": "string", "description": "A sentence for people"},
    },
}


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole document, ready for JSON."""
    shapes = [endpoint.body for endpoint in endpoints if endpoint.body is not None]
    schemas, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    bodies = dict(zip(shapes, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, bodies)
    return {
        "openapi": "3.1.0",
        "info": {"title": about.API_NAME, "version": __version__, "description": about.DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": {**components, "Error": _ERROR},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "query": {"type": "apiKey", "in": "query", "name": "token"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "token"},
            },
        },
    }


def _operation(endpoint: Endpoint, bodies: dict[type, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": endpoint.handler.__name__,
        "tags": [endpoint.tag],
        "responses": {"200": _content("The answer", schema_of(endpoint.answer), endpoint.answer)},
    }
    for status in endpoint.errors:
        operation["responses"][str(status)] = _content(HTTPStatus(status).phrase, {"$ref": _REF.format(name="Error")})
    if endpoint.body is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": bodies[endpoint.body]}}}
    names = re.findall(r"\{(\w+)\}", endpoint.path)
    if names:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
    if endpoint.authenticated:
        operation["security"] = [{"bearer": []}, {"query": []}, {"cookie": []}]
    return operation


def _content(description: str, schema: dict[str, Any], example: Any = None) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": schema}
    if example is not None:
        media["example"] = example
    return {"description": description, "content": {"application/json": media}}


def schema_of(example: Any) -> dict[str, Any]:
    """The schema that an example stands for; a field that is ``None`` there may be null or text."""
    if isinstance(example, dict):
        return {
            "type": "object",
            "required": list(example),
            "properties": {name: schema_of(value) for name, value in example.items()},
        }
    if isinstance(example, list):
        return {"type": "array", "items": schema_of(example[0]) if example else {}}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return {"type": kinds[type(example)]} if example is not None else {"type": ["string", "null"]}
