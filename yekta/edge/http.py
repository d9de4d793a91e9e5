"""REST's manners: reading JSON bodies, finding the token, answering in JSON, and errors in the contract's shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.logger import Logger
from twisted.web import http

from yekta import jsontext
from yekta.ai.provider import Kind, ProviderError
from yekta.app.errors import ClientError
from yekta.app.sessions import StoreUnavailable
from yekta.edge.endpoint import Answer
from yekta.edge.login import NotAuthenticated
from yekta.web.request import Request
from yekta.web.retry import retry_after

JSON = "application/json; charset=utf-8"

# What a failed provider means to a caller of REST; anything else is 503.
_PROVIDER_STATUS = {
    Kind.TIMEOUT: 504,
    Kind.PROTOCOL: 502,
    Kind.INTERRUPTED: 502,
    Kind.EMPTY: 502,
    Kind.REJECTED: 502,
    Kind.TOO_LONG: 413,
}


def read_body(raw: bytes, asked: Request) -> dict[str, Any]:
    """The JSON object of a body; an empty body is an empty object. Raises :class:`ClientError` 400 or 415."""
    if not raw:
        return {}
    kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ClientError("Unsupported media type", "The body must be application/json", status=415)
    try:
        body = jsontext.decode(raw)
    except jsontext.NotJson:
        raise ClientError("Invalid JSON", "The body is not JSON", status=400) from None
    if not isinstance(body, dict):
        raise ClientError("Invalid JSON", "The body must be a JSON object", status=400)
    return body


def find_token(asked: Request, body: dict[str, Any]) -> str | None:
    """The token of query or body, else of ``Authorization: Bearer``, else of the cookie (CONTRACT "Authentication")."""
    in_body = body.get("token")
    return (
        asked.query.get("token")
        or (in_body if isinstance(in_body, str) else None)
        or asked.bearer()
        or _cookie("token", asked.headers.get("cookie", ""))
        or None
    )


def fields(answer: Answer, cors: Mapping[str, str]) -> dict[str, str]:
    """The header fields of an answer in JSON to whom ``cors`` is for."""
    again = retry_after(answer.retry_after, cors)
    return {**cors, "Content-Type": JSON, "Cache-Control": "no-store", **again}


def set_fields(request: http.Request, values: Mapping[str, str]) -> None:
    """Set header fields of an answer, by their names."""
    for name, value in values.items():
        request.setHeader(name, value)


def compose(request: http.Request, answer: Answer, cors: Mapping[str, str] = {}) -> bytes:
    """Set the head of ``answer``, and give its body."""
    text = jsontext.encode_bytes(answer.body)
    request.setResponseCode(answer.status)
    set_fields(request, {**fields(answer, cors), "Content-Length": str(len(text))})
    return text


def refusal(error: BaseException, log: Logger) -> Answer:
    """The answer where ``error`` has come instead, which is handled at the moment; one that was not foreseen is logged.
    """
    shown = explain(error)
    if shown is None:
        log.failure("A request failed")
        shown = ClientError("Internal server error", "Please try again.", status=500)
    body = {"success": False, "error": shown.error, "message": shown.message}
    return Answer(shown.status, body, shown.retry_after)


def explain(error: BaseException) -> ClientError | None:
    """What a client may know of ``error``; ``None`` if it was not foreseen."""
    if isinstance(error, ClientError):
        return error
    if isinstance(error, NotAuthenticated):
        return ClientError(error.message, status=error.status)
    if isinstance(error, StoreUnavailable):
        return ClientError("Service unavailable", "Please try again.", status=503)
    if isinstance(error, ProviderError):
        status = _PROVIDER_STATUS.get(error.kind, 503)
        return ClientError("Failed to get AI response", str(error), status=status, retry_after=error.retry_after)
    return None


def _cookie(name: str, header: str) -> str:
    """The value of the first cookie called ``name`` (RFC 6265, 5.4), without quotes around it; ``""``: there is none.

    Whatever other cookies hold is not looked at, and nothing is unescaped: a token has nothing to escape.
    """
    for pair in header.split(";"):
        key, _, value = pair.partition("=")
        if key.strip() == name:
            value = value.strip()
            return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    return ""
