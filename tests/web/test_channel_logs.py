"""What a site of twisted.web writes into the log: failures, and no request."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.web import http
from twisted.web.resource import Resource

from tests.support.memory import HttpClient
from yekta.web.site import Limits, Site


class Page(Resource):
    """Gives each HEAD the body of a GET, as resources do."""

    isLeaf = True

    def render_GET(self, request: http.Request) -> bytes:
        return b"a page"


class GetOnly(Page):
    """Knows no HEAD."""

    render_HEAD = None


class Broken(Page):
    """Fails."""

    def render_GET(self, request: http.Request) -> bytes:
        raise RuntimeError


def test_a_request_writes_no_log_line(clock: Clock) -> None:
    site = Site(clock, Page(), Limits())
    with capturedLogs() as lines:
        site.startFactory()
        client = HttpClient(site, clock)
        client.ask("GET", "/?token=secret")
        client.hang_up()
        site.stopFactory()
    assert lines == []


@pytest.mark.parametrize("resource", [Page(), GetOnly()], ids=["page", "get only"])
def test_a_head_has_the_length_of_any_resource_and_writes_no_log_line(clock: Clock, resource: Resource) -> None:
    client = HttpClient(Site(clock, resource, Limits()), clock)
    with capturedLogs() as lines:
        client.request("HEAD", "/?token=secret")
    head, _, body = b"".join(client.transport.writes).partition(b"\r\n\r\n")
    assert (body, lines) == (b"", [])
    assert b"Content-Length: 6" in head
    client.hang_up()


def test_a_request_that_fails_is_logged(clock: Clock) -> None:
    client = HttpClient(Site(clock, Broken(), Limits()), clock)
    with capturedLogs() as lines:
        client.ask("GET", "/")
    assert [line["log_failure"].type for line in lines] == [RuntimeError]
    client.hang_up()
