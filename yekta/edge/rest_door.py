"""REST's short way: plain requests for an endpoint whose path stands in the table as it is, without Klein.

Klein and twisted.web cost five times what most endpoints do. Whatever is not plain, names something in its path, or may
stream, is theirs; the answers are the same (``tests/edge/test_rest_door.py``).
"""

from __future__ import annotations

from yekta import jsontext
from yekta.edge.answering import AnsweringDoor
from yekta.edge.endpoint import Endpoint
from yekta.edge.http import fields
from yekta.edge.rest import Rest
from yekta.web.arrival import Arrival, Door
from yekta.web.request import Request


class RestDoor:
    """See the module: there is a door for each endpoint."""

    def __init__(self, rest: Rest) -> None:
        self._doors = {
            (endpoint.method, path): EndpointDoor(rest, endpoint)
            for endpoint in rest.endpoints()
            if "{" not in endpoint.path and not endpoint.streams
            for path in endpoint.spellings
        }

    def door(self, asked: Request) -> Door | None:
        """That of the endpoint that the request is for, if it is such a one."""
        return self._doors.get((asked.method, asked.path))


class EndpointDoor(AnsweringDoor):
    """For the requests of one endpoint."""

    def __init__(self, rest: Rest, endpoint: Endpoint) -> None:
        self._rest = rest
        self._endpoint = endpoint

    async def answer(self, arrival: Arrival) -> None:
        asked = arrival.asked
        answering = self._rest.answer(self._endpoint, asked, arrival.body)
        # It reads it at once, and may take its time to answer.
        arrival.body = b""
        answer = await answering
        if answer is not None:
            headers = fields(answer, self._rest.headers(asked.origin))
            arrival.respond(answer.status, headers, jsontext.encode_bytes(answer.body))
