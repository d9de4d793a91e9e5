"""Requests that are refused by their heads, and what comes along with them; whichever way it goes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from tests.support.memory import HttpClient, compose
from tests.support.websockets import HANDSHAKE
from tests.web.conftest import BothWays
from yekta.web.arrival import Arrival
from yekta.web.forwarded import parse_trusted
from yekta.web.site import Limits, Site
from yekta.web.written import Written

SiteOf = Callable[..., Site]

GOOD = compose("GET", "/")

# After a request that is refused: another one, what might be more of its head, and both.
ALONG = {"nothing": b"", "a request": GOOD, "fields": b"A: b\r\n\r\n", "an end": b"\r\n", "all": b"A: b\r\n\r\n" + GOOD}
along = pytest.mark.parametrize("rest", ALONG.values(), ids=ALONG)

PROXY = "192.0.2.1"


class Parting(BothWays):
    """Says of each answer that it is the last one."""

    def serve(self, arrival: Arrival) -> None:
        self.asked.append(arrival.asked)
        arrival.respond(403, {"Connection": "close"}, b"")


@along
@pytest.mark.parametrize("body", ["\r\n", "Content-Length: 2\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"])
@pytest.mark.parametrize("hosts", ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n"])
def test_a_request_has_one_host(
    site_of: SiteOf, clock: Clock, both: BothWays, hosts: str, body: str, rest: bytes
) -> None:
    site = site_of()
    client = HttpClient(site, clock)
    with capturedLogs() as logs:
        client.send(f"GET / HTTP/1.1\r\nX: y\r\n{hosts}{body}".encode() + rest)
        clock.advance(0)
        client.send(GOOD)
    assert client.unread() == b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert (both.asked, site.refusals, logs) == ([], {400: 1}, [])
    client.hang_up()


@pytest.mark.parametrize("hosts", ["", "Host: a\r\n"])
def test_an_old_one_need_not(site_of: SiteOf, clock: Clock, both: BothWays, hosts: str) -> None:
    client = HttpClient(site_of(), clock)
    client.send(f"GET / HTTP/1.0\r\n{hosts}\r\n".encode())
    assert client.unread().startswith(b"HTTP/1.0 200 ")
    assert client.transport.lost


def test_an_old_one_asks_for_no_other_protocol(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    client.send(compose("GET", "/", HANDSHAKE).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert [asked.upgrade for asked in both.asked] == [False]
    client.hang_up()


@along
def test_nothing_that_comes_along_with_one_too_many_counts(
    site_of: SiteOf, clock: Clock, both: BothWays, rest: bytes
) -> None:
    site, forwarded = site_of(max_per_address=1, trusted=parse_trusted([PROXY])), {"X-Forwarded-For": "203.0.113.7"}
    first, second = (HttpClient(site, clock, PROXY) for _ in range(2))
    first.request("GET", "/later", forwarded)
    with capturedLogs() as logs:
        second.send(compose("GET", "/", forwarded) + rest)
        clock.advance(0)
    assert second.unread() == b"HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert (len(both.asked), site.refusals, logs) == (1, {429: 1}, [])
    for client in (first, second):
        client.hang_up()


def test_what_is_wrong_with_the_rest_of_a_refused_body_has_no_answer_of_its_own(site_of: SiteOf, clock: Clock) -> None:
    client = HttpClient(site := site_of(max_body=9), clock)
    client.send(compose("POST", "/", {"Transfer-Encoding": "chunked"}, b"a\r\n0123456789\r\nno chunk\r\n"))
    assert (client.next_answer().status, client.unread(), site.refusals) == (413, b"", {413: 1})
    assert not client.transport.disconnecting
    client.hang_up()


def test_who_wants_to_know_is_told_of_bodies_that_begin_and_are_not_refused(clock: Clock, both: BothWays) -> None:
    began: list[bytes] = []
    site = Site(clock, both, Limits(max_body=9), body_began=lambda target, _: began.append(target))
    clients = []
    for target, fields in (
        ("/none", {}),
        ("/empty", {"Content-Length": "0"}),
        ("/known?a", {"Content-Length": "1"}),
        ("/chunks", {"Transfer-Encoding": "chunked"}),
        ("/refused", {"Content-Length": "10"}),
    ):
        clients.append(HttpClient(site, clock))
        clients[-1].request("POST", target, fields)
    assert began == [b"/known?a", b"/chunks"]
    for client in clients:
        client.hang_up()


@pytest.mark.parametrize("path", ["/", "/rest"])
def test_an_answer_with_headers_of_many_says_that_it_is_the_last_one_where_it_is(clock: Clock, path: str) -> None:
    class Settled(BothWays):
        def serve(self, arrival: Arrival) -> None:
            arrival.respond(404, Written({"X-Many": "have it"}), b"")

    settled = Settled()
    client = HttpClient(Site(clock, settled, Limits(), doors=settled), clock)
    client.send(compose("GET", path) + compose("GET", path, {"Connection": "close"}))
    clock.advance(0)
    head = client.unread().partition(b"\r\n\r\n")
    first, last = head[0].split(b"\r\n"), head[2].split(b"\r\n")
    assert [lines[0] for lines in (first, last)] == [b"HTTP/1.1 404 Not Found"] * 2
    assert [b"X-Many: have it" in lines for lines in (first, last)] == [True] * 2
    assert [any(line.lower() == b"connection: close" for line in lines) for lines in (first, last)] == [False, True]
    assert client.transport.lost


@pytest.mark.parametrize("path", ["/", "/rest"])
def test_an_answer_that_says_it_is_the_last_one_is(clock: Clock, path: str) -> None:
    both = Parting()
    site = Site(clock, both, Limits(), doors=both)
    client = HttpClient(site, clock)
    client.send(compose("GET", path) + compose("GET", path))
    clock.advance(0)
    assert client.unread().count(b"HTTP/1.1 403 ") == len(both.asked) == 1
    assert client.transport.lost
