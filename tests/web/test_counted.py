"""How many may be connected, and whom a connection counts for, whichever way its requests go."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock

from tests.support.memory import HttpClient
from tests.web.conftest import BothWays
from yekta.web.forwarded import parse_trusted
from yekta.web.site import Site

PROXY = "192.0.2.1"

SiteOf = Callable[..., Site]


def test_connections_over_the_limit_are_refused_and_one_that_leaves_makes_room(site_of: SiteOf, clock: Clock) -> None:
    site = site_of(max_connections=2)
    first, second, third = (HttpClient(site, clock) for _ in range(3))
    assert (first.refused, second.refused, third.refused) == (False, False, True)
    assert site.census.refused == 1
    first.hang_up()
    fourth = HttpClient(site, clock)
    assert not fourth.refused
    for client in (second, fourth):
        client.hang_up()


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::7"])
def test_connections_of_one_address_are_limited(site_of: SiteOf, clock: Clock, address: str) -> None:
    site = site_of(max_per_address=2)
    clients = [HttpClient(site, clock, address) for _ in range(3)]
    other = HttpClient(site, clock, "198.51.100.1")
    assert [client.refused for client in clients] == [False, False, True]
    assert not other.refused
    # What a client says of where it is counts for nothing.
    assert clients[1].ask("GET", "/", {"X-Forwarded-For": "198.51.100.9"}).status == 200
    assert HttpClient(site, clock, address).refused
    assert site.census.refused == 2
    clients[0].hang_up()
    again = HttpClient(site, clock, address)
    assert not again.refused
    for client in (clients[1], other, again):
        client.hang_up()


def test_addresses_of_one_network_of_ipv6_count_as_one(site_of: SiteOf, clock: Clock) -> None:
    site = site_of(max_per_address=2)
    addresses = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "::ffff:192.0.2.7", "192.0.2.7", "::ffff:192.0.2.8"]
    clients = [HttpClient(site, clock, address) for address in addresses]
    assert not any(client.refused for client in clients)
    assert HttpClient(site, clock, "2001:db8::ffff:3").refused
    assert HttpClient(site, clock, "::ffff:192.0.2.7").refused
    clients.pop(0).hang_up()
    clients.append(HttpClient(site, clock, "2001:db8::4"))
    assert not clients[-1].refused
    for client in clients:
        client.hang_up()


def test_a_trusted_proxy_takes_no_room_from_its_neighbours(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    site = site_of(max_per_address=1, trusted=parse_trusted(["2001:db8::1"]))
    clients = [HttpClient(site, clock, "2001:db8::1") for _ in range(3)]
    neighbour = {"X-Forwarded-For": "2001:db8::2"}
    clients[0].request("GET", "/later", neighbour)
    assert [*site.census._places] == ["2001:db8::1", "2001:db8::/64"]
    assert clients[1].ask("GET", "/", {"X-Forwarded-For": "2001:db8::3"}).status == 429
    assert clients[2].ask("GET", "/", {"X-Forwarded-For": "2001:db8:0:1::3"}).status == 200
    both.later[0].respond(200, {}, b"")
    assert clients[2].ask("GET", "/", neighbour).status == 200
    for client in clients:
        client.hang_up()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", ""])
def test_a_proxy_on_this_machine_speaks_for_many(site_of: SiteOf, clock: Clock, address: str) -> None:
    site = site_of(max_per_address=1)
    clients = [HttpClient(site, clock, address) for _ in range(5)]
    assert not any(client.refused for client in clients)
    for client in clients:
        client.hang_up()


def test_the_clients_of_a_trusted_proxy_are_counted_in_its_place(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    site = site_of(max_per_address=1, trusted=parse_trusted([PROXY]))
    one, another, third = clients = [HttpClient(site, clock, PROXY) for _ in range(3)]
    for client, address in ((one, "198.51.100.1"), (another, "198.51.100.2")):
        client.request("GET", "/later", {"X-Forwarded-For": address})
    assert third.ask("GET", "/", {"X-Forwarded-For": "198.51.100.3"}).status == 200
    # The proxy itself asks how we are.
    assert third.ask("GET", "/health").status == 200
    # Once it has its answer, a client has no part in the proxy's connection any more.
    both.later[0].respond(200, {}, b"")
    assert third.ask("GET", "/", {"X-Forwarded-For": "198.51.100.1"}).status == 200
    refusal = third.ask("GET", "/", {"X-Forwarded-For": "198.51.100.2"})
    assert (refusal.status, refusal.body) == (429, b"")
    assert site.refusals == {429: 1}
    assert len(both.asked) == 5
    for client in clients:
        client.hang_up()


def test_a_connection_that_is_no_longer_http_stays_its_client_s(site_of: SiteOf, clock: Clock, both: BothWays) -> None:
    site = site_of(max_per_address=1, trusted=parse_trusted([PROXY]))
    client = HttpClient(site, clock, PROXY)
    client.request("GET", "/later", {"X-Forwarded-For": "198.51.100.1"})
    _, _, left = both.later[0].surrender()
    assert [*site.census._places] == ["198.51.100.1"]
    left()
    assert site.census._places == {}
