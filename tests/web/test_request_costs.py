"""What a request may have, and what it costs those who serve it, whichever way it goes."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable

import pytest
from twisted.internet.task import Clock

from tests.support.cost import costs_less
from tests.support.memory import HttpClient, compose
from tests.web.conftest import BothWays
from yekta.web.plain import MAX_FIELDS
from yekta.web.site import Site

SiteOf = Callable[..., Site]


def fields(number: int) -> dict[str, str]:
    """Beside ``Host``."""
    return {f"X-{number}": "" for number in range(number - 1)}


@pytest.mark.parametrize("path", ["/", "/rest"])
def test_a_head_has_so_many_fields_and_no_more(site_of: SiteOf, clock: Clock, both: BothWays, path: str) -> None:
    site = site_of()
    client = HttpClient(site, clock)
    for _ in range(2):
        assert client.ask("GET", path, fields(MAX_FIELDS)).status == 200
    answer = client.ask("GET", path, fields(MAX_FIELDS + 1))
    client.request("GET", path)
    assert (answer.status, answer.headers["connection"], client.unread()) == (431, "close", b"")
    assert client.transport.write_closed
    assert len(both.asked) == 2
    assert site.refusals == {431: 1}
    client.hang_up()


def test_lines_that_a_field_goes_on_in_count_as_well(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    client.send(compose("GET", "/", {"X": "a" + "\r\n b" * (MAX_FIELDS - 2)}))
    assert [asked.headers["x"].split() for asked in both.asked] == [["a", *"b" * (MAX_FIELDS - 2)]]
    assert client.unread().startswith(b"HTTP/1.1 200 ")
    another = HttpClient(client.transport.protocol.site, clock)
    another.send(compose("GET", "/", {"X": "a" + "\r\n b" * (MAX_FIELDS - 1)}))
    assert another.unread().startswith(b"HTTP/1.1 431 ")
    for each in (client, another):
        each.hang_up()


@pytest.mark.parametrize(
    "broken",
    [b"nonsense\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n(: x\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n"],
    ids=["no request", "no header", "no length"],
)
def test_nothing_that_follows_a_bad_request_counts(
    site_of: SiteOf, clock: Clock, both: BothWays, broken: bytes
) -> None:
    site = site_of()
    client = HttpClient(site, clock)
    client.send(broken)
    # As TLS hands over what it had read already when it was closed.
    for line in (b"Host: a\r\n", b"\r\n", compose("GET", "/")):
        client.transport.protocol.dataReceived(line)
    assert client.unread() == b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert (both.asked, site.refusals) == ([], {400: 1})
    assert client.transport.lost


@pytest.mark.parametrize(
    "head",
    [{"Cookie": ";".join(f"{number:x}=" for number in range(3_000))}, fields(MAX_FIELDS)],
    ids=["cookies", "fields"],
)
def test_a_request_that_waits_takes_not_much_more_than_its_bytes(
    site_of: SiteOf, clock: Clock, both: BothWays, head: dict[str, str]
) -> None:
    site, sent = site_of(), compose("GET", "/later", head)
    clients = [HttpClient(site, clock) for _ in range(10)]
    tracemalloc.start()
    try:
        for client in clients:
            client.send(sent)
        taken = tracemalloc.get_traced_memory()[0] / len(clients)
    finally:
        tracemalloc.stop()
    assert len(both.later) == len(clients)
    assert taken < 3 * len(sent) + 30_000
    for client in clients:
        client.hang_up()


def test_what_comes_along_byte_by_byte_costs_no_more_than_its_bytes(site_of: SiteOf, clock: Clock) -> None:
    client = HttpClient(site_of(), clock)
    client.request("GET", "/later", {"TE": "trailers"})
    along = compose("GET", "/", {"X": "y" * 8_000})

    def drip() -> None:
        for byte in along:
            client.transport.protocol.dataReceived(bytes((byte,)))

    assert costs_less(drip, 0.5, tries=1)
    client.hang_up()


def test_what_comes_along_byte_by_byte_is_read_in_order(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    client = HttpClient(site_of(), clock)
    client.request("GET", "/later", {"TE": "trailers"})
    for byte in compose("POST", "/next", {}, bytes(range(256))) + compose("GET", "/last"):
        client.send(bytes((byte,)))
    both.later[0].respond(200, {}, b"")
    for _ in range(3):
        clock.advance(0)
    assert [asked.path for asked in both.asked] == ["/later", "/next", "/last"]
    assert client.unread().count(bytes(range(256))) == 1
    client.hang_up()


@pytest.mark.parametrize("framing", [{"Content-Length": "200000"}, {"Transfer-Encoding": "chunked"}])
@pytest.mark.parametrize("path", ["/", "/rest"])
def test_a_body_takes_no_descriptor(site_of: SiteOf, clock: Clock, path: str, framing: dict[str, str]) -> None:
    client = HttpClient(site_of(), clock)
    before = open_descriptors()
    client.request("POST", path, framing)
    client.send(b"200\r\n" + b"x" * 512 + b"\r\n")
    assert open_descriptors() == before
    client.hang_up()


def open_descriptors() -> int:
    """How many this process has."""
    return len(os.listdir("/proc/self/fd"))

