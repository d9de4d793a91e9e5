"""The OpenAPI document: it is valid, it names every endpoint, and what the endpoints really answer fits it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import pytest_twisted
from openapi_spec_validator import OpenAPIV31SpecValidator
from twisted.internet.defer import ensureDeferred

from tests.support.clients import ABSENT
from tests.support.doors import House, house
from tests.support.rest import call
from yekta import __version__
from yekta.edge import rest, rest_ai, rest_auth
from yekta.edge.endpoint import OrNull
from yekta.edge.openapi import schema_of
from yekta.edge.path_words import PATH_WORDS

__all__ = ["house"]

ENDPOINTS = {
    ("get", "/"),
    ("get", "/health"),
    ("get", "/health/live"),
    ("get", "/health/ready"),
    ("get", "/websocket-info"),
    ("get", "/api-docs/openapi.json"),
    ("get", "/api-docs/asyncapi.json"),
    ("post", "/api/auth/acquire-session"),
    ("get", "/api/auth/session"),
    ("post", "/api/auth/register"),
    ("post", "/api/auth/login"),
    ("post", "/api/auth/logout"),
    ("post", "/api/ai/chat"),
    ("get", "/api/ai/status"),
    ("get", "/api/ai/stream/{message_id}"),
    ("delete", "/api/ai/stream/{message_id}"),
    ("get", "/api/ai/conversations/{conversation_id}"),
    ("delete", "/api/ai/conversations/{conversation_id}"),
}

SARA = {"name": "Sara", "email": "sara@example.org", "password": "correct horse"}
LOGIN = {"identifier": "sara@example.org", "password": "correct horse"}
WRONG = {**LOGIN, "password": "wrong horse"}

# Requests in order, and the status of each; the token is that of one session.
REQUESTS: list[tuple[str, str, Any, int]] = [
    ("get", "/", ABSENT, 200),
    ("get", "/health", ABSENT, 200),
    ("get", "/health/live", ABSENT, 200),
    ("get", "/health/ready", ABSENT, 200),
    ("get", "/websocket-info", ABSENT, 200),
    ("get", "/api-docs/openapi.json", ABSENT, 200),
    ("get", "/api-docs/asyncapi.json", ABSENT, 200),
    ("get", "/api/ai/status", ABSENT, 200),
    ("post", "/api/auth/acquire-session", ABSENT, 200),
    ("get", "/api/auth/session", ABSENT, 200),
    ("post", "/api/auth/register", {}, 400),
    ("post", "/api/auth/register", b"x" * 1_000_001, 413),
    ("post", "/api/auth/register", SARA, 200),
    ("post", "/api/auth/register", SARA, 409),
    ("post", "/api/auth/login", {}, 400),
    *(("post", "/api/auth/login", WRONG, 401) for _ in range(5)),
    ("post", "/api/auth/login", WRONG, 429),
    ("post", "/api/ai/chat", {}, 400),
    ("post", "/api/auth/logout", ABSENT, 200),
    ("get", "/api/auth/session", ABSENT, 401),
]


async def document(house: House) -> dict[str, Any]:
    parsed: dict[str, Any] = (await call(house, "GET", "/api-docs/openapi.json")).json
    return parsed


def check(document: dict[str, Any], method: str, path: str, status: int, body: Any) -> None:
    """An answer must be declared, and be as declared."""
    declared = document["paths"][path][method]["responses"][str(status)]
    schema = declared["content"]["application/json"]["schema"]
    whole = {**schema, "components": document["components"]}
    jsonschema.validate(body, whole, cls=jsonschema.Draft202012Validator)


@pytest_twisted.ensureDeferred
async def test_the_document_is_valid_openapi(house: House) -> None:
    described = await document(house)
    OpenAPIV31SpecValidator(described).validate()
    assert described["openapi"] == "3.1.0"
    assert described["info"]["version"] == __version__


@pytest_twisted.ensureDeferred
async def test_the_document_describes_every_endpoint_and_no_other(house: House) -> None:
    paths = (await document(house))["paths"]
    assert {(method, path) for path, operations in paths.items() for method in operations} == ENDPOINTS
    # An access log may show all of their words.
    assert {word for path in paths for word in path.split("/") if word and "{" not in word} <= PATH_WORDS
    for method, path in ENDPOINTS:
        assert (await call(house, method.upper(), path)).status not in (404, 405)


@pytest_twisted.ensureDeferred
async def test_what_is_said_besides_is_declared(house: House) -> None:
    found = {
        (method, path, one["in"], one["name"], one["schema"]["type"])
        for path, operations in (await document(house))["paths"].items()
        for method, operation in operations.items()
        for one in operation.get("parameters", [])
        if one["in"] != "path"
    }
    assert found == {
        ("get", "/api/ai/stream/{message_id}", "header", "Last-Event-ID", "string"),
        ("get", "/api/ai/conversations/{conversation_id}", "query", "after", "integer"),
    }


def test_an_endpoint_reads_only_what_it_has_declared() -> None:
    """Beside its parameters, which the call has by their names; and who asks, which is written down."""
    for module in (rest, rest_ai, rest_auth):
        read = re.findall(r"call\.asked\.\w+(?:\.get\(\S+)?", Path(module.__file__).read_text())
        assert set(read) <= {"call.asked.address", 'call.asked.headers.get("user-agent",'}


@pytest_twisted.ensureDeferred
async def test_an_answer_that_may_stream_is_declared_as_events(house: House) -> None:
    found = {
        (method, path): set(operation["responses"]["200"]["content"])
        for path, operations in (await document(house))["paths"].items()
        for method, operation in operations.items()
    }
    streaming = {
        ("post", "/api/ai/chat"): {"application/json", "text/event-stream"},
        ("get", "/api/ai/stream/{message_id}"): {"text/event-stream"},
    }
    assert found == {each: {"application/json"} for each in ENDPOINTS} | streaming


@pytest_twisted.ensureDeferred
async def test_a_token_is_declared_where_it_makes_a_difference(house: House) -> None:
    found = {
        operation["operationId"]: {} in operation["security"]
        for operations in (await document(house))["paths"].values()
        for operation in operations.values()
        if "security" in operation
    }
    stream, conversation = ("resume_stream", "cancel_stream"), ("conversation", "delete_conversation")
    needed = dict.fromkeys(("session", "logout", *stream, *conversation), False)
    assert found == needed | {"login": True, "chat": True}


@pytest_twisted.ensureDeferred
async def test_every_answer_is_declared_and_fits_its_schema(house: House) -> None:
    described = await document(house)
    token, _ = await house.gateway.acquire()
    for method, path, body, status in REQUESTS:
        answer = await call(house, method.upper(), path, *([] if body is ABSENT else [body]), token=token)
        assert answer.status == status, (method, path, answer.text)
        check(described, method, path, status, answer.json)


@pytest_twisted.ensureDeferred
async def test_login_and_chat_fit_their_schemas(house: House) -> None:
    described = await document(house)
    await call(house, "POST", "/api/auth/register", SARA)
    check(described, "post", "/api/auth/login", 200, (await call(house, "POST", "/api/auth/login", LOGIN)).json)
    asked = ensureDeferred(call(house, "POST", "/api/ai/chat", {"message": "?"}))
    (await house.gateway.provider.asked()).finish("length")
    check(described, "post", "/api/ai/chat", 200, (await asked).json)


@pytest_twisted.ensureDeferred
async def test_not_ready_and_outages_fit_their_schemas(house: House) -> None:
    described = await document(house)
    house.gateway.database.is_up = False
    house.gateway.store.is_down = house.gateway.users.is_down = True
    for method, path, body in (
        ("get", "/health/ready", ABSENT),
        ("post", "/api/auth/acquire-session", ABSENT),
        ("get", "/api/auth/session", ABSENT),
        ("post", "/api/auth/register", SARA),
        ("post", "/api/auth/login", LOGIN),
        ("post", "/api/auth/logout", ABSENT),
    ):
        answer = await call(house, method.upper(), path, *([] if body is ABSENT else [body]), token="x" * 43)
        assert answer.status == 503
        check(described, method, path, 503, answer.json)


@pytest.mark.parametrize("path", sorted(path for method, path in ENDPOINTS if method == "post"))
@pytest.mark.parametrize(("body", "kind", "status"), [(b"{", "application/json", 400), (b"{}", "text/plain", 415)])
@pytest_twisted.ensureDeferred
async def test_a_bad_body_is_declared_where_a_body_is_read(
    house: House, path: str, body: bytes, kind: str, status: int
) -> None:
    answer = await call(house, "POST", path, body, headers={"Content-Type": kind})
    assert answer.status == status
    check(await document(house), "post", path, status, answer.json)


@pytest_twisted.ensureDeferred
async def test_request_bodies_are_checked_by_the_schemas_that_are_published(house: House) -> None:
    described = await document(house)
    published = described["paths"]["/api/ai/chat"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = {**published, "components": described["components"]}
    for body, fits in (
        ({"message": "?"}, True),
        ({"message": "?", "conversationHistory": [{"role": "user", "content": "x"}], "locale": "en"}, True),
        ({"message": "?", "conversationHistory": [{"role": "system", "content": "x"}]}, False),
        ({"message": "x" * 2001}, False),
        ({"message": "?", "locale": "de"}, False),
    ):
        assert jsonschema.Draft202012Validator(schema).is_valid(body) is fits
        asked = ensureDeferred(call(house, "POST", "/api/ai/chat", body))
        if fits:
            (await house.gateway.provider.asked()).finish()
        assert (await asked).status == (200 if fits else 400)


@pytest.mark.parametrize(
    ("example", "schema"),
    [
        (True, {"type": "boolean"}),
        (1, {"type": "integer"}),
        (1.5, {"type": "number"}),
        ("x", {"type": "string"}),
        (None, {"type": ["string", "null"]}),
        (OrNull(1), {"type": ["integer", "null"]}),
        ([], {"type": "array", "items": {}}),
        ([1], {"type": "array", "items": {"type": "integer"}}),
        ({"a": True}, {"type": "object", "required": ["a"], "properties": {"a": {"type": "boolean"}}}),
    ],
)
def test_an_example_stands_for_a_schema(example: Any, schema: Any) -> None:
    assert schema_of(example) == schema
