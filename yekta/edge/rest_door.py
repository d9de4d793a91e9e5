"""REST's short way: plain requests for an endpoint whose path stands in the table as it is, without Klein.

Klein and twisted.web cost five times what most endpoints do. Whatever is not plain, names something in its path, or may
stream, is theirs; the answers are the same (``tests/edge/test_rest_door.py``).
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.python.failure import Failure

from yekta import jsontext
from yekta.edge.endpoint import Endpoint
from yekta.edge.http import fields
from yekta.edge.rest import Rest
from yekta.web.arrival import Arrival, Door
from yekta.web.request import Request


class RestDoor:
    """See the module."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._endpoints = {
            (endpoint.method, path): endpoint
            for endpoint in rest.endpoints()
            if "{" not in endpoint.path and not endpoint.streams
            for path in endpoint.spellings
        }

    def door(self, asked: Request) -> Door | None:
        """Itself, if the request is for such an endpoint."""
        return self if (asked.method, asked.path) in self._endpoints else None

    def expect_body(self, asked: Request) -> Callable[[], object] | None:
        """Nobody waits for it."""
        return None

    def serve(self, arrival: Arrival) -> None:
        """Answer, now or later; not at all once the client has gone."""
        asked = arrival.asked
        answering = ensureDeferred(self._answer(self._endpoints[asked.method, asked.path], arrival))
        if not answering.called:
            arrival.on_hang_up(answering.cancel)
        answering.addErrback(Failure.trap, CancelledError)

    async def _answer(self, endpoint: Endpoint, arrival: Arrival) -> None:
        answer = await self._rest.answer(endpoint, arrival.asked, arrival.body)
        if answer is not None:
            headers = {**self._rest.headers(arrival.asked.origin), **fields(answer.retry_after)}
            arrival.respond(answer.status, headers, jsontext.encode_bytes(answer.body))
