"""What is known of a request of twisted.web."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.web import http, server
from twisted.web.resource import Resource
from zope.interface import alsoProvides

from tests.support.memory import HttpClient
from tests.web.conftest import BothWays
from yekta.web.facts import facts
from yekta.web.site import Limits, Site


class Keeper(Resource):
    """Keeps its requests."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[http.Request] = []

    def render(self, request: http.Request) -> bytes:
        self.requests.append(request)
        return b""


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def client(clock: Clock, keeper: Keeper) -> Iterator[HttpClient]:
    client = HttpClient(Site(clock, keeper, Limits()), clock)
    yield client
    client.hang_up()


def test_the_facts_of_a_request(client: HttpClient, keeper: Keeper) -> None:
    client.ask("POST", "/a%20b?c=d&c=e", {"X-Two": "1", "x-two": "2", "Cookie": "a=b"}, b"x")
    asked = facts(keeper.requests[0])
    assert (asked.method, asked.path, asked.query) == ("POST", "/a%20b", {"c": "d"})
    assert [asked.headers[name] for name in ("x-two", "cookie", "host")] == ["1, 2", "a=b", "gateway.example"]
    assert (asked.address, asked.secure) == ("203.0.113.7", False)


def test_what_comes_over_tls_is_secure(clock: Clock, both: BothWays) -> None:
    client = HttpClient(Site(clock, both, Limits()), clock)
    alsoProvides(client.transport, ISSLTransport)
    client.ask("GET", "/")
    assert [asked.secure for asked in both.asked] == [True]
    client.hang_up()


def test_a_header_that_is_not_utf_8_is_text_all_the_same(client: HttpClient, keeper: Keeper) -> None:
    client.ask("GET", "/", {"Origin": "http://\xe9"})
    assert facts(keeper.requests[0]).origin == keeper.requests[0].getHeader("origin") == "http://\xe9"
    assert keeper.requests[0].getHeader("absent") is None


def test_anybody_s_site_has_addresses_as_they_are_usually_spelled(clock: Clock, keeper: Keeper) -> None:
    client = HttpClient(server.Site(keeper, reactor=clock), clock, "::ffff:203.0.113.7")
    client.ask("GET", "/")
    assert facts(keeper.requests[0]).address == "203.0.113.7"
    client.hang_up()
