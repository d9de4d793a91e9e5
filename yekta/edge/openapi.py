"""The OpenAPI 3.1 document, made from the endpoints' own declarations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from yekta import __version__
from yekta.app import about
from yekta.edge.endpoint import Endpoint, OrNull, Parameter

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

_EVENTS = {"text/event-stream": {"schema": {"type": "string", "description": "Server-sent events"}}}


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
    answers = _json(schema_of(endpoint.answer), shown(endpoint.answer)) if endpoint.answer is not None else {}
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": endpoint.handler.__name__,
        "tags": [endpoint.tag],
        "responses": {"200": {"description": "The answer", "content": answers | (_EVENTS if endpoint.streams else {})}},
    }
    for status in endpoint.errors:
        error = {"description": HTTPStatus(status).phrase, "content": _json({"$ref": _REF.format(name="Error")})}
        operation["responses"][str(status)] = error
    if endpoint.body is not None:
        operation["requestBody"] = {"content": _json(bodies[endpoint.body])}
    if parameters := [*_path_parameters(endpoint.path), *map(_parameter, endpoint.parameters)]:
        operation["parameters"] = parameters
    if endpoint.takes_token:
        nobody: list[dict[str, Any]] = [] if endpoint.authenticated else [{}]
        operation["security"] = [*nobody, {"bearer": []}, {"query": []}, {"cookie": []}]
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)\}", path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _parameter(one: Parameter) -> dict[str, Any]:
    return {"name": one.name, "in": one.kind, "description": one.description, "schema": one.schema}


def _json(schema: dict[str, Any], example: Any = None) -> dict[str, Any]:
    return {"application/json": {"schema": schema} if example is None else {"schema": schema, "example": example}}


def shown(example: Any) -> Any:
    """An example as it is published."""
    if isinstance(example, dict):
        return {name: shown(value) for name, value in example.items()}
    return example.example if isinstance(example, OrNull) else example


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
    if isinstance(example, OrNull):
        return {"type": [schema_of(example.example)["type"], "null"]}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return {"type": kinds[type(example)]} if example is not None else {"type": ["string", "null"]}
