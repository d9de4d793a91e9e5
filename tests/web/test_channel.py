"""twisted.web with bounds: how large a body may be, and what is known of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.support.forgotten import forgotten
from tests.support.memory import HttpClient, compose
from yekta.web.channel import LINGER
from yekta.web.forwarded import parse_trusted
from yekta.web.front import EAGER
from yekta.web.site import ABORT, Limits, Site

MAX = 1000


class Echo(Resource):
    """Answers with the body at once, and on ``/later`` when told; takes note of every request."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[http.Request] = []

    def render(self, request: http.Request) -> bytes | int:
        self.requests.append(request)
        if request.path == b"/later":
            return NOT_DONE_YET
        assert request.content is not None
        body: bytes = request.content.read()
        return body


@pytest.fixture
def echo() -> Echo:
    return Echo()


Make = Callable[..., Site]


@pytest.fixture
def make(clock: Clock, echo: Echo) -> Iterator[Make]:
    sites: list[Site] = []

    def make(**limits: Any) -> Site:
        site = Site(clock, echo, Limits(**{"max_body": MAX, "request_timeout": 60.0, **limits}))
        sites.append(site)
        return site

    yield make
    for site in sites:
        assert site.census.all == 0
        assert site.census._places == {}


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


# -- the body ------------------------------------------------------------------------------------------------


def test_a_body_of_just_the_limit_passes(make: Make, clock: Clock) -> None:
    client = HttpClient(make(), clock)
    assert client.ask("POST", "/", body=b"x" * MAX).body == b"x" * MAX
    client.send(compose("POST", "/", {"Transfer-Encoding": "chunked"}, chunk(b"y" * MAX) + chunk(b"")))
    assert client.next_answer().body == b"y" * MAX
    client.hang_up()


@pytest.mark.parametrize(
    "request_bytes",
    [
        compose("POST", "/", {"Content-Length": str(MAX + 1)}),
        compose("POST", "/", {"Content-Length": str(1 << 30)}, b"x" * 50),
        compose("POST", "/", {"Content-Length": str(1 << 30), "Expect": "100-continue"}),
        compose("POST", "/", {}, b"x" * (MAX + 1)),
        compose("POST", "/", {"Transfer-Encoding": "chunked"}, chunk(b"x" * (MAX + 1))),
        compose("POST", "/", {"Transfer-Encoding": "chunked"}, chunk(b"x") * (MAX + 1) + chunk(b"")),
    ],
    ids=["declared", "declared 1 GiB", "expects 100-continue", "whole", "one chunk", "tiny chunks"],
)
def test_a_body_over_the_limit_is_answered_413_once_and_never_handled(
    make: Make, clock: Clock, echo: Echo, request_bytes: bytes
) -> None:
    client = HttpClient(make(), clock)
    client.send(request_bytes)
    client.send(b"more" * 1000)
    answer = client.next_answer()
    assert (answer.status, answer.body, answer.headers["connection"]) == (413, b"", "close")
    assert client.unread() == b""
    assert client.transport.write_closed
    assert echo.requests == []
    client.hang_up()


def test_a_length_of_thousands_of_digits_is_a_bad_request(make: Make, clock: Clock, echo: Echo) -> None:
    client = HttpClient(make(), clock)
    client.send(compose("POST", "/", {"Content-Length": "9" * 5_000, "X": "y"}) + compose("GET", "/"))
    assert client.unread() == b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert client.transport.lost
    assert echo.requests == []


def test_who_asks_before_it_sends_a_body_is_told_to_go_on(make: Make, clock: Clock) -> None:
    client = HttpClient(make(), clock)
    client.send(compose("POST", "/", {"Content-Length": "4", "Expect": "100-continue"}))
    assert client.unread() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"body")
    assert client.unread().endswith(b"\r\n\r\nbody")
    client.hang_up()


def test_a_refused_client_may_finish_its_sentence_but_not_for_ever(make: Make, clock: Clock) -> None:
    client = HttpClient(site := make(), clock)
    client.request("POST", "/", {"Content-Length": str(MAX + 1)})
    assert not site.answering
    for _ in range(9):
        clock.advance(LINGER / 10)
        client.send(b"x" * 100)
        assert not client.transport.disconnecting
    clock.advance(LINGER / 10)
    assert client.transport.disconnecting
    clock.advance(0)
    assert client.transport.lost


def test_the_413_has_the_headers_and_body_of_its_door(clock: Clock, echo: Echo) -> None:
    def refused(status: int, path: bytes, origin: str | None, host: str | None) -> tuple[dict[str, str], bytes]:
        return {"X-Origin": f"{origin} at {host}"}, b"%d %s" % (status, path)

    client = HttpClient(Site(clock, echo, Limits(max_body=MAX), refused), clock)
    answer = client.ask("POST", "/a?b", {"Content-Length": str(MAX + 1), "Origin": "http://app.example", "Host": "us"})
    assert (answer.status, answer.headers["x-origin"], answer.body) == (413, "http://app.example at us", b"413 /a?b")
    client.hang_up()


def test_so_has_the_429_of_one_too_many_of_an_address(clock: Clock, echo: Echo) -> None:
    def refused(status: int, path: bytes, origin: str | None, host: str | None) -> tuple[dict[str, str], bytes]:
        return {"X-Origin": f"{origin} at {host}"}, b"%d %s" % (status, path)

    limits = Limits(max_per_address=1, trusted=parse_trusted(["192.0.2.1"]))
    site = Site(clock, echo, limits, refused)
    first, second = (HttpClient(site, clock, "192.0.2.1") for _ in range(2))
    forwarded = {"X-Forwarded-For": "203.0.113.7", "Origin": "http://app.example", "Host": "us"}
    first.send(compose("POST", "/", {**forwarded, "Content-Length": "2"}, b"a"))
    answer = second.ask("GET", "/a?b", forwarded)
    assert (answer.status, answer.headers["x-origin"], answer.body) == (429, "http://app.example at us", b"429 /a?b")
    for client in (first, second):
        client.hang_up()


# -- who does not read -----------------------------------------------------------------------------------------


class Stream:
    """A producer that goes on and on."""

    def pauseProducing(self) -> None:
        """Nothing more is written."""

    def resumeProducing(self) -> None:
        """Nothing waits."""

    stopProducing = pauseProducing


def test_a_stream_ends_with_a_client_that_does_not_read_and_with_no_other(
    make: Make, clock: Clock, echo: Echo
) -> None:
    client = HttpClient(make(), clock)
    client.request("GET", "/later")
    (request,) = echo.requests
    request.registerProducer(Stream(), True)
    for _ in range(3):
        client.transport.congest()
        clock.advance(59)
        client.transport.relieve()
    clock.advance(1000)
    client.transport.full = True
    gone: list[object] = []
    request.notifyFinish().addErrback(gone.append)
    for _ in range(4):
        # More of it does not give the client more time.
        request.write(b": still there\n\n")
        assert not gone
        clock.advance(15)
    clock.advance(ABORT)
    clock.advance(0)
    assert client.transport.aborted
    assert len(gone) == 1


def test_what_comes_along_with_a_stream_that_is_not_read_is_bounded(
    make: Make, clock: Clock, echo: Echo
) -> None:
    client = HttpClient(make(), clock)
    client.request("GET", "/later")
    echo.requests[0].registerProducer(Stream(), True)
    client.transport.congest()
    client.send(b"x" * EAGER)
    assert client.transport.reading
    client.send(b"x")
    assert not client.transport.reading
    client.hang_up()


def test_a_stream_is_told_that_its_client_says_no_more(make: Make, clock: Clock, echo: Echo) -> None:
    told: list[str] = []

    class Told(Stream):
        def stopProducing(self) -> None:
            told.append("stop")

    client = HttpClient(make(), clock)
    client.request("GET", "/later")
    echo.requests[0].registerProducer(Told(), True)
    client.transport.half_close()
    assert told == ["stop"]
    clock.advance(0)
    assert client.transport.lost


# -- what else ---------------------------------------------------------------------------------------------


def test_nothing_more_is_read_while_requests_that_came_along_wait(make: Make, clock: Clock, echo: Echo) -> None:
    client = HttpClient(make(), clock)
    client.send(compose("GET", "/") * 3)
    assert (len(echo.requests), client.transport.reading) == (1, False)
    clock.advance(0)
    assert (len(echo.requests), client.transport.reading) == (3, True)
    client.send(compose("GET", "/") * 2 + compose("GET", "/")[:9])
    clock.advance(0)
    # The rest of a request that came in part can only come if it is read.
    assert (len(echo.requests), client.transport.reading) == (5, True)
    client.hang_up()


def test_requests_that_wait_for_a_turn_go_with_the_connection(make: Make, clock: Clock, echo: Echo) -> None:
    client = HttpClient(make(), clock)
    client.send(compose("GET", "/") * 2)
    client.hang_up()
    clock.advance(0)
    assert len(echo.requests) == 1


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 9\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf"]
)
def test_a_connection_that_breaks_within_a_body_goes_at_once(make: Make, clock: Clock, framing: bytes) -> None:
    client = HttpClient(make(), clock)
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + framing)
    with forgotten() as expect:
        expect(client.transport.protocol)
        client.transport.lose()
        client.transport.protocol = None
