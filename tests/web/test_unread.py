"""Clients that do not read what they are answered: what they ask for besides waits, whichever way it goes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock

from tests.support.memory import HttpClient, compose
from tests.web.conftest import BothWays
from yekta.web.front import EAGER
from yekta.web.site import Site

SiteOf = Callable[..., Site]

GET, LATER = compose("GET", "/"), compose("GET", "/later")


def test_what_came_along_waits_until_the_answer_is_read(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    client.ask("GET", "/")
    client.send(LATER + GET * 2)
    client.transport.congest()
    both.later[0].respond(200, {}, b"")
    clock.advance(0)
    assert (len(both.asked), client.transport.reading) == (2, False)
    client.transport.relieve()
    clock.advance(0)
    assert (len(both.asked), client.transport.reading) == (4, True)
    client.hang_up()


def test_each_answer_that_is_not_read_holds_up_the_next(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    client.transport.full = True
    client.send(GET * 3)
    for answered in (1, 2, 3):
        assert not client.transport.reading
        clock.advance(0)
        assert (len(both.asked), client.transport.reading) == (answered, False)
        client.transport.relieve()
    for _ in range(2):
        assert client.transport.reading
        client.send(GET)
        assert not client.transport.reading
        client.transport.relieve()
    client.hang_up()


def test_nobody_overtakes_a_request_that_waits_when_its_client_reads_again(
    site_of: SiteOf, clock: Clock, both: BothWays
) -> None:
    client = HttpClient(site_of(), clock)
    client.ask("GET", "/")
    client.send(LATER + compose("POST", "/", body=b"second"))
    client.transport.congest()
    client.transport.relieve()
    clock.advance(0)
    assert (len(both.asked), client.transport.reading) == (2, True)
    both.later[0].respond(200, {}, b"")
    clock.advance(0)
    first, second = client.answer(), client.answer()
    assert first is not None
    assert second is not None
    assert (first.body, second.body) == (b"", b"second")
    client.hang_up()


def test_who_reads_again_is_read_from_only_where_little_waits(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    client.ask("GET", "/")
    client.send(LATER + GET * (EAGER // len(GET) + 1))
    assert not client.transport.reading
    client.transport.congest()
    client.transport.relieve()
    assert not client.transport.reading
    client.hang_up()


def test_much_that_came_before_and_after_a_request_that_waits_is_enough(
    site_of: SiteOf, clock: Clock, both: BothWays
) -> None:
    client = HttpClient(site_of(), clock)
    client.send(GET + LATER + GET * (EAGER // len(GET) + 1))
    clock.advance(0)
    assert (len(both.asked), client.transport.reading) == (2, False)
    client.hang_up()


def test_what_follows_the_last_request_is_not_served(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    client.request("GET", "/", {"Connection": "close"})
    # As TLS goes on with what was read already.
    client.transport.protocol.dataReceived(GET)
    assert client.answer() is not None
    assert (len(both.asked), client.unread()) == (1, b"")
    assert client.transport.lost


@pytest.mark.parametrize("reads", [False, True])
def test_what_had_been_read_already_waits_as_well(site_of: SiteOf, clock: Clock, both: BothWays, reads: bool) -> None:
    client = HttpClient(site_of(), clock)
    first, second, third = (compose("POST", "/", body=body) for body in (b"first", b"second", b"third"))
    client.transport.full = not reads
    client.send(first + second[:-1])
    # As TLS goes on with what was read already.
    client.transport.protocol.dataReceived(second[-1:] + third)
    assert len(both.asked) == 1
    for _ in range(3):
        client.transport.relieve()
        clock.advance(0)
    bodies = [answer.body for answer in iter(client.answer, None) if answer is not None]
    assert bodies == [b"first", b"second", b"third"]
    client.hang_up()


def test_who_reads_again_and_asks_for_nothing_is_cut(site_of: SiteOf, clock: Clock) -> None:
    client = HttpClient(site_of(), clock)
    client.ask("GET", "/")
    client.transport.congest()
    client.transport.relieve()
    clock.advance(60)
    clock.advance(0)
    assert client.transport.lost


def test_who_stops_to_read_while_requests_have_their_turn_is_read_from_no_more(
    site_of: SiteOf, clock: Clock, both: BothWays
) -> None:
    client = HttpClient(site_of(), clock)
    client.send(GET + LATER)
    client.transport.congest()
    clock.advance(0)
    assert not client.transport.reading
    client.transport.relieve()
    clock.advance(0)
    assert (len(both.asked), client.transport.reading) == (2, True)
    client.hang_up()


def test_who_reads_again_and_goes_is_served_no_more(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    client.send(GET * 3)
    client.transport.congest()
    client.transport.relieve()
    client.hang_up()
    clock.advance(0)
    assert len(both.asked) == 1
