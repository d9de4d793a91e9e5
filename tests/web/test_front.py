"""The short way of HTTP: order, bounds, and how a connection goes on to twisted.web."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from twisted.internet.task import Clock
from twisted.protocols.policies import WrappingFactory
from twisted.web import http
from twisted.web.resource import Resource

from tests.support.memory import HttpClient, compose
from yekta.web.arrival import Arrival
from yekta.web.front import EAGER
from yekta.web.request import Request
from yekta.web.site import Limits, Site

MAX = 1000
GET = compose("GET", "/door")


class Doors:
    """Everything at ``/door`` is answered with its body at once, or on ``/door/later`` when told."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.bodies: list[str] = []

    def door(self, asked: Request) -> Doors | None:
        return self if asked.path.startswith("/door") else None

    def expect_body(self, asked: Request) -> Callable[[bool], object]:
        self.bodies.append("began")
        return lambda hung_up: self.bodies.append("broke off" if hung_up else "ended")

    def serve(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)
        if not arrival.asked.path.endswith("/later"):
            arrival.respond(200, {}, arrival.body)


class Rest(Resource):
    """What twisted.web answers."""

    isLeaf = True

    def render(self, request: http.Request) -> bytes:
        request.setHeader("content-length", "3")
        return b"web"


@pytest.fixture
def doors() -> Doors:
    return Doors()


@pytest.fixture
def site(clock: Clock, doors: Doors) -> Iterator[Site]:
    site = Site(clock, Rest(), Limits(max_body=MAX, request_timeout=60.0), doors=doors)
    yield site
    assert site.census.all == 0
    assert site.census._places == {}


@pytest.fixture
def client(site: Site, clock: Clock) -> Iterator[HttpClient]:
    client = HttpClient(site, clock)
    yield client
    client.hang_up()


def answers(client: HttpClient) -> list[bytes]:
    """The bodies of all that came."""
    bodies = []
    while (answer := client.answer()) is not None:
        bodies.append(answer.body)
    return bodies


def post(body: bytes, target: str = "/door") -> bytes:
    return compose("POST", target, body=body)


# -- in order, and within bounds -----------------------------------------------------------------------------


def test_requests_are_answered_one_after_the_other_on_one_connection(client: HttpClient) -> None:
    for body in (b"a", b"b", b"x" * MAX):
        assert client.ask("POST", "/door", body=body).body == body
    assert client.ask("GET", "/door").status == 200


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_however_the_network_cuts_it(client: HttpClient, clock: Clock, size: int) -> None:
    data = post(b"first") + GET + post(b"second")
    for start in range(0, len(data), size):
        client.send(data[start : start + size])
        clock.advance(0)
    assert answers(client) == [b"first", b"", b"second"]


def test_requests_that_came_along_wait_for_the_next_turn(client: HttpClient, clock: Clock, doors: Doors) -> None:
    client.send(b"".join(post(b"%d" % number) for number in range(100)))
    assert (len(doors.arrivals), client.transport.reading) == (1, False)
    clock.advance(0)
    assert answers(client) == [b"%d" % number for number in range(100)]
    assert client.transport.reading


def test_nobody_overtakes_a_request_that_waits(client: HttpClient, clock: Clock, doors: Doors) -> None:
    client.send(post(b"", "/door/later").replace(b"POST", b"GET") + post(b"second"))
    clock.advance(0)
    assert (len(doors.arrivals), answers(client), client.transport.reading) == (1, [], True)
    doors.arrivals[0].respond(200, {}, b"first")
    clock.advance(0)
    assert answers(client) == [b"first", b"second"]


def test_what_comes_along_with_a_request_that_waits_is_bounded(client: HttpClient, clock: Clock, doors: Doors) -> None:
    client.request("GET", "/door/later")
    requests = EAGER // len(GET) + 1
    for _ in range(requests):
        assert client.transport.reading
        client.send(GET)
    assert not client.transport.reading
    client.send(GET * 1000)
    doors.arrivals[0].respond(200, {}, b"")
    for _ in range(requests + 1001):
        clock.advance(0)
    assert len(answers(client)) == requests + 1001
    assert client.transport.reading


def test_a_client_that_reads_no_answers_is_asked_for_no_more_requests(
    client: HttpClient, clock: Clock, doors: Doors
) -> None:
    client.ask("GET", "/door")
    doors.arrivals.clear()
    client.transport.congest()
    assert not client.transport.reading
    client.send(GET * 3)
    clock.advance(0)
    assert doors.arrivals == []
    client.transport.relieve()
    for _ in range(3):
        clock.advance(0)
    assert len(doors.arrivals) == 3


def test_the_end_of_the_connection_is_told_to_a_request_that_waits(client: HttpClient, doors: Doors) -> None:
    told: list[str] = []
    client.send(post(b"x", "/door/later") + GET)
    doors.arrivals[0].on_hang_up(lambda: told.append("first"))
    doors.arrivals[0].on_hang_up(lambda: told.append("second"))
    client.hang_up()
    assert (told, doors.bodies) == (["second"], ["began", "broke off"])
    doors.arrivals[0].respond(200, {}, b"nobody reads this")
    assert client.unread() == b""


def test_requests_that_wait_for_a_turn_go_with_the_connection(client: HttpClient, clock: Clock, doors: Doors) -> None:
    client.send(GET * 2)
    client.hang_up()
    clock.advance(0)
    assert len(doors.arrivals) == 1


def test_an_answer_is_given_once(client: HttpClient, doors: Doors) -> None:
    client.ask("GET", "/door")
    doors.arrivals[0].respond(500, {}, b"again")
    assert client.unread() == b""


def test_a_body_is_told_of_when_it_begins_and_when_it_is_over(client: HttpClient, doors: Doors) -> None:
    client.send(compose("POST", "/door", {"Content-Length": "2"}, b"a"))
    assert doors.bodies == ["began"]
    client.send(b"b")
    assert doors.bodies == ["began", "ended"]
    client.send(compose("POST", "/door", {"Content-Length": "2"}, b"a"))
    client.hang_up()
    assert doors.bodies == ["began", "ended", "began", "broke off"]


def test_the_connection_ends_where_the_client_or_the_answer_says_so(
    site: Site, clock: Clock, doors: Doors
) -> None:
    for headers, own in (({"Connection": "close"}, {}), ({}, {"Connection": "close"})):
        client = HttpClient(site, clock)
        client.send(compose("GET", "/door/later", headers) + GET)
        doors.arrivals[-1].respond(200, own, b"last")
        answer = client.next_answer()
        assert (answer.body, answer.headers["connection"]) == (b"last", "close")
        clock.advance(0)
        assert client.transport.lost
        assert client.unread() == b""


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nSet-Cookie: b", "a\rSet-Cookie: b"])
def test_a_header_cannot_begin_another_one(client: HttpClient, doors: Doors, value: str) -> None:
    client.request("GET", "/door/later")
    doors.arrivals[0].respond(200, {"x-a": value, "X-b\r\nX-C": "c", "content-length": "9"}, b"body")
    answer = client.next_answer()
    assert (answer.body, answer.headers["x-a"]) == (b"body", "a Set-Cookie: b")
    assert not {"set-cookie", "x-c"} & set(answer.headers)


def test_a_status_that_nobody_knows_is_one_all_the_same(client: HttpClient, doors: Doors) -> None:
    client.request("GET", "/door/later")
    doors.arrivals[0].respond(499, {}, b"")
    assert client.unread().startswith(b"HTTP/1.1 499 ")


def test_a_client_that_does_not_read_the_last_answer_is_cut_for_good(site: Site, clock: Clock) -> None:
    client = HttpClient(site, clock)
    client.transport.congested = True
    client.request("GET", "/door", {"Connection": "close"})
    clock.advance(60)
    assert not client.transport.aborted
    clock.advance(15)
    assert client.transport.aborted


# -- on to twisted.web ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_bytes",
    [
        compose("GET", "/rest"),
        compose("HEAD", "/door").replace(b"HEAD", b"PUT"),
        compose("GET", "/door", {"X": "\xff"}),
        compose("POST", "/door", {"Transfer-Encoding": "chunked"}, b"1\r\nx\r\n0\r\n\r\n"),
        compose("GET", "/door?" + "a&" * 70),
    ],
    ids=["no door", "another method", "not ASCII", "chunks", "too many fields"],
)
def test_what_is_not_plain_or_for_no_door_is_twisted_web_s_from_its_first_byte(
    client: HttpClient, clock: Clock, doors: Doors, request_bytes: bytes
) -> None:
    client.send(GET + request_bytes[:3])
    clock.advance(0)
    client.send(request_bytes[3:] + GET)
    clock.advance(0)
    assert answers(client) == [b"", b"web", b"web"]
    assert len(doors.arrivals) == 1
    assert client.transport.reading


@pytest.mark.parametrize("data", [b"\x16\x03\x01", b"GET *", b"BREW /", b"\n"])
def test_what_cannot_become_plain_is_not_waited_for(client: HttpClient, data: bytes) -> None:
    client.send(data)
    assert type(client.transport.protocol).__name__ == "Channel"


def test_a_body_that_declares_too_much_is_twisted_web_s_to_refuse(site: Site, clock: Clock, doors: Doors) -> None:
    client = HttpClient(site, clock)
    client.send(GET + compose("POST", "/door", {"Content-Length": str(MAX + 1)}))
    clock.advance(0)
    assert client.answer() is not None
    assert client.next_answer().status == 413
    assert len(doors.arrivals) == 1
    client.hang_up()


def test_behind_a_wrapper_such_as_tls_too(site: Site, clock: Clock) -> None:
    client = HttpClient(WrappingFactory(site), clock)
    assert client.ask("GET", "/door").status == 200
    assert client.ask("GET", "/rest").body == b"web"
    client.hang_up()


def test_a_site_without_doors_is_twisted_web_s(clock: Clock) -> None:
    client = HttpClient(Site(clock, Rest(), Limits()), clock)
    assert client.ask("GET", "/door").body == b"web"
    client.hang_up()


def test_a_request_that_is_over_is_forgotten_at_once(client: HttpClient, doors: Doors) -> None:
    client.send(post(b"x", "/door/later"))
    arrival = doors.arrivals.pop()
    # As an exchange does, which knows its request.
    arrival.on_hang_up(partial(id, arrival))
    forgotten = weakref.ref(arrival)
    arrival.respond(200, {}, b"")
    arrival.on_hang_up(partial(id, arrival))
    gc.disable()
    try:
        del arrival
        assert forgotten() is None
    finally:
        gc.enable()
