"""What one REST endpoint is: declared once, for routing, for checking, and for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import attrs
from twisted.web import http

from yekta.web.request import Request

# A time, in examples.
TIME = "2026-01-31T09:05:02.123Z"


@attrs.frozen
class Call:
    """One request on its way to its handler. ``body`` has the endpoint's shape; ``token`` was found in the contract's
    order; ``names``: the parts of the path that stand for something.
    """

    request: http.Request = attrs.field(repr=False)
    asked: Request
    body: Any = attrs.field(repr=False)
    token: str | None = attrs.field(repr=False)
    names: dict[str, str] = attrs.field(factory=dict)

    @property
    def wants_events(self) -> bool:
        """Whether the client asks for server-sent events."""
        return "text/event-stream" in self.asked.headers.get("accept", "")


Handler = Callable[[Call], "Coroutine[Any, Any, dict[str, Any] | None]"]


@attrs.frozen
class Endpoint:
    """``handler`` gives the answer, or ``None`` if it has answered by itself.

    ``body``: the shape of the request's body. ``answer``: an example of what comes back. ``errors``: the statuses that
    may come instead. ``authenticated``: whether a session token is needed.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    answer: dict[str, Any]
    body: type | None = None
    errors: tuple[int, ...] = ()
    authenticated: bool = False
    tag: str = "Service"
