"""Requests of twisted.web whose clients say no more, or are gone."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.support.memory import HttpClient
from yekta.web.site import Limits, Site


class Slow(Resource):
    """Begins its answer: ``/promised`` says how long it will be, ``/stream`` does not, ``/later`` says no more yet."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[http.Request] = []

    def render(self, request: http.Request) -> int:
        self.requests.append(request)
        if request.path != b"/stream":
            request.setHeader("content-length", "4")
        if request.path != b"/later":
            request.write(b"tw")
        return NOT_DONE_YET


@pytest.mark.parametrize(("path", "stays"), [("/promised", True), ("/stream", False), ("/later", False)])
def test_only_what_has_begun_and_has_a_length_is_sent_to_who_says_no_more(clock: Clock, path: str, stays: bool) -> None:
    client = HttpClient(Site(clock, slow := Slow(), Limits()), clock)
    client.request("GET", path)
    client.transport.half_close()
    clock.advance(0)
    assert (not client.transport.lost) is stays
    if stays:
        slow.requests[0].write(b"o!")
        slow.requests[0].finish()
        assert client.unread().endswith(b"\r\n\r\ntwo!")
    client.hang_up()


def test_what_is_written_for_who_is_gone_goes_nowhere(clock: Clock) -> None:
    client = HttpClient(Site(clock, slow := Slow(), Limits()), clock)
    client.request("GET", "/later")
    client.hang_up()
    slow.requests[0].write(b"late")
    assert client.unread() == b""
