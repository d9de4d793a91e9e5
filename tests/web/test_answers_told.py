"""What is told of each answer, whichever way its request went: a line of the access log, and a count of refusals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock
from twisted.logger import Logger, formatEvent

from tests.support.memory import HttpClient, compose
from tests.web.conftest import BothWays
from yekta.web.access import AccessLog
from yekta.web.forwarded import parse_trusted
from yekta.web.plain import MAX_FIELDS
from yekta.web.site import Site

PROXY = "192.0.2.1"

SiteOf = Callable[..., Site]


class Told(AccessLog):
    """``lines``: what is logged."""

    def __init__(self) -> None:
        super().__init__({"later"})
        self.lines: list[str] = []
        self._log = Logger("test", observer=lambda event: self.lines.append(formatEvent(event)))


def test_each_answer_has_a_line_in_the_access_log(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    access = Told()
    clock.advance(5)
    client = HttpClient(site_of(access, trusted=parse_trusted([PROXY])), clock, PROXY)
    client.ask("POST", "/?token=secret", {"X-Forwarded-For": "198.51.100.7"}, b"four")
    client.request("GET", "/later/what-i-wrote")
    client.request("GET", "/later")
    clock.advance(0.25)
    both.later[0].respond(200, {}, b"")
    assert access.lines == [
        "POST / 200 4 B 0 ms 198.51.100.7",
        f"GET /later/… 200 0 B 0 ms {PROXY}",
        f"GET /later 200 0 B 250 ms {PROXY}",
    ]
    client.hang_up()


@pytest.mark.parametrize(
    ("sender", "told"),
    [("::ffff:203.0.113.7", "203.0.113.7"), ("2001:db8::7", "2001:db8::7"), ("", "a local socket")],
)
def test_a_line_says_who_asked_as_it_is_usually_said(site_of: SiteOf, clock: Clock, sender: str, told: str) -> None:
    access = Told()
    client = HttpClient(site_of(access), clock, sender)
    client.ask("GET", "/")
    assert access.lines == [f"GET / 200 0 B 0 ms {told}"]
    client.hang_up()


def test_refusals_are_counted_by_their_status(site_of: SiteOf, clock: Clock) -> None:
    site = site_of()
    client = HttpClient(site, clock)
    for status in (200, 302, 399, 400, 404, 404, 503):
        assert client.ask("GET", f"/?status={status}").status == status
    assert site.refusals == {400: 1, 404: 2, 503: 1}
    client.hang_up()


def test_so_are_those_of_requests_that_have_not_arrived(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    access = Told()
    site = site_of(access, trusted=parse_trusted([PROXY]), max_body=9, max_per_address=1)
    site.refused = lambda *_: ({}, b"No.")
    client, another, third, fourth = (HttpClient(site, clock, PROXY) for _ in range(4))
    head = {"X-Forwarded-For": "198.51.100.7"}
    client.request("GET", "/later", head)
    assert another.ask("GET", "/later?token=secret", head).status == 429
    assert third.ask("POST", "/", {}, b"x" * 10).status == 413
    fourth.send(b"GET\r\n" * 3)
    fifth = HttpClient(site, clock, PROXY)
    fifth.send(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (MAX_FIELDS + 1) + b"\r\n")
    assert site.refusals == {429: 1, 413: 1, 400: 1, 431: 1}
    assert access.lines == [
        "GET /later 429 3 B 0 ms 198.51.100.7",
        f"POST / 413 3 B 0 ms {PROXY}",
        f"GET / 431 0 B 0 ms {PROXY}",
    ]
    for each in (client, another, third, fourth, fifth):
        each.hang_up()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (compose("POST", "/a?b", {"Content-Length": "10"}), 413),
        (compose("POST", "/a?b", {"Transfer-Encoding": "chunked"}, b"a\r\nxxxxxxxxxx\r\n"), 413),
        (compose("POST", "/a?b", {"Content-Length": "x"}), 400),
        (b"nonsense\r\n\r\n", 400),
    ],
    ids=["declared", "chunked", "no length", "no request"],
)
def test_what_is_refused_before_it_has_arrived_is_counted(
    site_of: SiteOf, clock: Clock, request_bytes: bytes, status: int
) -> None:
    site = site_of(max_body=9)
    client = HttpClient(site, clock)
    client.send(request_bytes)
    assert client.next_answer().status == status
    assert site.refusals == {status: 1}
    client.hang_up()


@pytest.mark.parametrize("stated", ["\xff", "198.51.100.7, \xff", "\x80,\xfe"])
def test_an_address_that_is_no_text_is_none(site_of: SiteOf, clock: Clock, both: BothWays, stated: str) -> None:
    access = Told()
    client = HttpClient(site_of(access, trusted=parse_trusted([PROXY]), max_per_address=1), clock, PROXY)
    assert client.ask("GET", "/", {"X-Forwarded-For": stated}).status == 200
    assert access.lines == [f"GET / 200 0 B 0 ms {PROXY}"]
    assert [asked.address for asked in both.asked] == [PROXY]
    client.hang_up()


def test_a_line_says_how_long_the_answer_took(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    access = Told()
    client = HttpClient(site_of(access), clock)
    client.request("GET", "/later")
    clock.advance(2.5)
    assert access.lines == []
    both.later[0].respond(200, {}, b"late")
    assert access.lines == ["GET /later 200 4 B 2500 ms 203.0.113.7"]
    client.hang_up()
