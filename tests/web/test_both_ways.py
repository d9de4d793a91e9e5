"""What holds for every request, whichever way it goes: twisted.web's, or the short one."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from tests.support.memory import HttpClient, compose
from tests.web.conftest import BothWays
from yekta.web.counted import YOUNG
from yekta.web.forwarded import parse_trusted
from yekta.web.site import Site

PROXY = "192.0.2.1"

SiteOf = Callable[..., Site]


# -- time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "drip",
    [
        compose("GET", "/", {"X": "y" * 200}),
        compose("POST", "/", {"Content-Length": "500"}, b"x" * 500),
        compose("POST", "/rest", {"Content-Length": "500"}, b"x" * 500),
    ],
    ids=["a head", "a body", "a body for twisted.web"],
)
def test_a_request_that_drips_is_cut_when_its_time_is_over(
    site_of: SiteOf, clock: Clock, both: BothWays, drip: bytes
) -> None:
    client = HttpClient(site_of(), clock)
    clock.advance(30)
    for byte in drip[:119]:
        assert not client.transport.disconnecting
        client.send(bytes([byte]))
        clock.advance(0.5)
    clock.advance(0.5)
    clock.advance(0)
    assert client.transport.lost
    assert clock.seconds() <= 90.5
    assert both.asked == []


@pytest.mark.parametrize("path", ["/", "/rest"])
@pytest.mark.parametrize("begun", [5, -1], ids=["a head", "a body"])
def test_each_request_of_a_connection_has_the_whole_time(site_of: SiteOf, clock: Clock, path: str, begun: int) -> None:
    client, request = HttpClient(site_of(), clock), compose("POST", path, {}, b"x")
    for _ in range(3):
        clock.advance(50)
        client.send(request[:begun])
        clock.advance(50)
        client.send(request[begun:])
        assert client.next_answer().body == b"x"
    client.hang_up()


def test_a_silent_client_is_cut(site_of: SiteOf, clock: Clock) -> None:
    client = HttpClient(site_of(), clock)
    clock.advance(60)
    clock.advance(0)
    assert client.transport.lost


def test_a_client_that_falls_silent_is_cut(site_of: SiteOf, clock: Clock) -> None:
    client = HttpClient(site_of(), clock)
    clock.advance(59)
    client.ask("GET", "/")
    clock.advance(59)
    assert not client.transport.disconnecting
    clock.advance(1)
    clock.advance(0)
    assert client.transport.lost


@pytest.mark.parametrize("asks", [False, True], ids=["nothing", "an answer"])
def test_a_client_that_reads_nothing_is_cut_for_good(site_of: SiteOf, clock: Clock, asks: bool) -> None:
    client = HttpClient(site_of(), clock)
    client.transport.congested = True
    if asks:
        client.request("GET", "/")
    clock.advance(60)
    assert not client.transport.aborted
    clock.advance(15)
    assert client.transport.aborted


def test_an_answer_may_take_longer_than_a_request(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    client.request("GET", "/later")
    clock.advance(1000)
    both.later[0].respond(200, {}, b"late")
    assert client.next_answer().body == b"late"
    client.hang_up()


# -- half a connection ---------------------------------------------------------------------------------------


def test_who_says_no_more_is_sent_what_it_was_answered(site_of: SiteOf, clock: Clock) -> None:
    client = HttpClient(site_of(), clock)
    client.transport.congested = True
    client.request("POST", "/", body=b"x")
    client.transport.half_close()
    clock.advance(1)
    assert not client.transport.lost
    client.transport.relieve()
    assert client.next_answer().body == b"x"
    assert client.transport.lost


def test_who_says_no_more_and_reads_nothing_is_cut(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    client.transport.congested = True
    client.request("GET", "/")
    client.request("GET", "/later")
    clock.advance(70)
    client.transport.half_close()
    clock.advance(60)
    assert not client.transport.aborted
    clock.advance(15)
    assert client.transport.aborted


def test_who_says_no_more_hangs_up_on_what_is_not_answered_yet(
    site_of: SiteOf, clock: Clock, both: BothWays
) -> None:
    client = HttpClient(site := site_of(), clock)
    client.request("GET", "/later")
    told: list[str] = []
    both.later[0].on_hang_up(lambda: told.append("hung up"))
    client.transport.half_close()
    assert told == ["hung up"]
    assert not site.answering
    both.later[0].respond(200, {}, b"nobody waits")
    clock.advance(0)
    assert client.transport.lost
    assert client.transport.writes == []
    assert told == ["hung up"]


def test_a_request_behind_a_body_in_pieces_is_answered(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    request = compose("POST", "/", body=b"body")
    client.send(request[:-2])
    client.send(request[-2:] + compose("POST", "/next", body=b"another"))
    assert client.next_answer().body == b"body"
    clock.advance(0)
    assert client.next_answer().body == b"another"
    assert [asked.path for asked in both.asked] == ["/", "/next"]
    client.hang_up()


def test_a_second_answer_is_none(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    client.request("GET", "/later")
    for body in (b"first", b"second"):
        both.later[0].respond(200, {}, body)
    assert (client.next_answer().body, client.unread()) == (b"first", b"")
    client.hang_up()


def test_who_goes_without_anybody_to_be_told_is_no_trouble(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    with capturedLogs() as logs:
        client.request("GET", "/later")
        client.hang_up()
        both.later.clear()
        gc.collect()
    assert logs == []


@pytest.mark.parametrize("length", ["9", "2000000"], ids=["half a request", "a refused one"])
def test_who_says_no_more_in_the_middle_of_a_request_is_gone(site_of: SiteOf, clock: Clock, length: str) -> None:
    client = HttpClient(site_of(), clock)
    client.send(compose("POST", "/", {"Content-Length": length}, b"x"))
    client.transport.half_close()
    clock.advance(0)
    assert client.transport.lost


# -- who asks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "client_of_it"),
    [
        (PROXY, ("198.51.100.7", True)),
        ("203.0.113.7", ("203.0.113.7", False)),
        ("127.0.0.1", ("127.0.0.1", False)),
        # As a socket that listens on both kinds sees them.
        (f"::ffff:{PROXY}", ("198.51.100.7", True)),
        ("::ffff:203.0.113.7", ("203.0.113.7", False)),
        ("2001:db8::7", ("2001:db8::7", False)),
    ],
)
def test_only_a_trusted_proxy_is_believed(
    site_of: SiteOf, clock: Clock, both: BothWays, sender: str, client_of_it: tuple[str, bool]
) -> None:
    client = HttpClient(site_of(trusted=parse_trusted(["192.0.2.0/24"])), clock, sender)
    client.ask("GET", "/", {"X-Forwarded-For": "6.6.6.6, 198.51.100.7", "X-Forwarded-Proto": "https"})
    (asked,) = both.asked
    assert (asked.address, asked.secure) == client_of_it
    client.hang_up()


def test_each_request_of_a_proxy_has_a_client_of_its_own(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(trusted=parse_trusted([PROXY])), clock, PROXY)
    addresses = ["198.51.100.7", "2001:db8::7", "198.51.100.8"]
    for address in addresses:
        client.ask("GET", "/", {"X-Forwarded-For": address})
    assert [asked.address for asked in both.asked] == addresses
    client.hang_up()


# -- parting -------------------------------------------------------------------------------------------------


def test_who_waits_for_nothing_is_hung_up_on(site_of: SiteOf, clock: Clock) -> None:
    site = site_of()
    silent = HttpClient(site, clock)
    clock.advance(YOUNG)
    answered = HttpClient(site, clock)
    answered.ask("GET", "/")
    site.hang_up()
    clock.advance(0)
    assert (silent.transport.lost, answered.transport.lost) != (None, None)
    assert not site.answering


def test_who_is_in_the_middle_of_asking_gets_an_answer(site_of: SiteOf, clock: Clock) -> None:
    site = site_of()
    client = HttpClient(site, clock)
    client.ask("GET", "/")
    clock.advance(YOUNG)
    request = compose("POST", "/", body=b"last")
    client.send(request[:25])
    site.hang_up()
    client.send(request[25:])
    answer = client.next_answer()
    assert (answer.body, answer.headers["connection"]) == (b"last", "close")
    clock.advance(0)
    assert client.transport.lost


def test_who_has_asked_or_is_about_to_gets_one_last_answer(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    site = site_of()
    clock.advance(YOUNG)
    asking, young = HttpClient(site, clock), HttpClient(site, clock)
    asking.request("GET", "/later")
    site.hang_up()
    clock.advance(0)
    assert site.answering
    both.later[0].respond(200, {}, b"last")
    young.request("POST", "/", body=b"last")
    for client in (asking, young):
        client.send(compose("GET", "/"))
        answer = client.next_answer()
        assert (answer.body, answer.headers["connection"]) == (b"last", "close")
        clock.advance(0)
        assert client.transport.lost
        assert client.unread() == b""
    assert not site.answering
