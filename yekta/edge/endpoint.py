"""What one REST endpoint is: declared once, for routing, for checking, and for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Literal

import attrs
from twisted.web import http

from yekta.web.request import Request

# A time, in examples.
TIME = "2026-01-31T09:05:02.123Z"


@attrs.frozen
class Parameter:
    """What a client may say besides: a field of the query, or of the head. ``schema``: JSON Schema, of a text."""

    kind: Literal["query", "header"]
    name: str
    description: str
    schema: Mapping[str, Any]

    def of(self, asked: Request) -> str | None:
        """What ``asked`` has there."""
        return asked.query.get(self.name) if self.kind == "query" else asked.headers.get(self.name.lower())


@attrs.frozen
class OrNull:
    """In an example: what may be null as well."""

    example: Any


# Not frozen: there is one for each request, and making it would take three times as long.
@attrs.define
class Call:
    """One request on its way to its handler. ``body`` has the endpoint's shape; ``token`` was found in the contract's
    order, where the endpoint takes one; ``names``: the parts of the path that stand for something; ``given``: the
    endpoint's parameters, as far as they are there; ``request``: what an endpoint that streams streams to.
    """

    asked: Request
    body: Any = attrs.field(repr=False)
    token: str | None = attrs.field(repr=False)
    names: Mapping[str, str]
    given: Mapping[str, str]
    request: http.Request | None = attrs.field(repr=False)

    @property
    def wants_events(self) -> bool:
        """Whether the client asks for server-sent events."""
        return "text/event-stream" in self.asked.headers.get("accept", "")


# Not frozen either.
@attrs.define
class Answer:
    """What goes back: a JSON object. ``retry_after``: seconds after which asking again is worth it."""

    status: int
    body: dict[str, Any] = attrs.field(repr=False)
    retry_after: float | None = None


Handler = Callable[[Call], "Coroutine[Any, Any, Answer | dict[str, Any] | None]"]


@attrs.frozen
class Endpoint:
    """``handler`` gives the answer, or the body of one that is 200, or ``None`` if it has answered by itself.

    ``body``: the shape of the request's body. ``parameters``: what else it reads. ``answer``: an example of what comes
    back as JSON, if anything does. ``errors``: the statuses that may come instead. ``authenticated``: whether a session
    token is needed; ``recognizes``: whether one makes a difference. ``streams``: whether it may answer with a stream
    of events.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    answer: dict[str, Any] | None
    body: type | None = None
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[int, ...] = ()
    authenticated: bool = False
    recognizes: bool = False
    tag: str = "Service"
    streams: bool = False

    @property
    def takes_token(self) -> bool:
        """Whether it looks at a session token."""
        return self.authenticated or self.recognizes

    @property
    def spellings(self) -> frozenset[str]:
        """Its path, and the same with a slash at the end."""
        return frozenset((self.path, self.path.rstrip("/") + "/"))

    def given(self, asked: Request) -> Mapping[str, str]:
        """Which parameters a request has, by name."""
        return {each.name: value for each in self.parameters if (value := each.of(asked)) is not None}
