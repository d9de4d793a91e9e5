"""Long bodies that arrive together: one is served in each turn, whichever way they go."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.support.clocks import BusyClock
from tests.support.memory import HttpClient, compose
from tests.web.conftest import BothWays
from yekta.rests import LONG, TURN
from yekta.web.arrival import Arrival
from yekta.web.site import Limits, Site

SiteOf = Callable[..., Site]

LONG_ONE = b"x" * (LONG + 1)


class Laborious(BothWays):
    """Whatever has a body takes longer than a turn, but on ``/fast``. ``broken``: it fails instead, once."""

    def __init__(self, clock: BusyClock) -> None:
        super().__init__()
        self._clock = clock
        self.broken = False

    def serve(self, arrival: Arrival) -> None:
        if arrival.body and arrival.asked.path != "/fast":
            self._clock.rightNow += 2 * TURN
        if self.broken:
            self.broken = False
            raise ValueError("broken")
        super().serve(arrival)

    @property
    def served(self) -> list[str]:
        """The paths, in order."""
        return [asked.path for asked in self.asked]


@pytest.fixture
def clock() -> BusyClock:
    return BusyClock(0.0)


@pytest.fixture
def both(clock: BusyClock) -> Laborious:
    return Laborious(clock)


@pytest.fixture(params=["its length is told", "in chunks"])
def chunked(request: pytest.FixtureRequest) -> bool:
    chunked: bool = request.param == "in chunks"
    return chunked


@pytest.fixture
def site(site_of: SiteOf) -> Site:
    return site_of()


def send(client: HttpClient, path: str, body: bytes = LONG_ONE, *, chunked: bool = False) -> None:
    """As it comes from the network: piece by piece."""
    if chunked:
        data = compose("POST", path, {"Transfer-Encoding": "chunked"}, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    else:
        data = compose("POST", path, body=body)
    for start in range(0, len(data), LONG):
        client.send(data[start : start + LONG])


def test_one_is_served_in_each_turn(site: Site, clock: BusyClock, both: Laborious, chunked: bool) -> None:
    clients = [HttpClient(site, clock) for _ in range(5)]
    for number, client in enumerate(clients):
        send(client, f"/{number}", chunked=chunked)
    served = [len(both.served)]
    while clock.getDelayedCalls() and len(served) < 10 and served[-1] < len(clients):
        clock.advance(0)
        served.append(len(both.served))
    assert max(later - earlier for earlier, later in pairwise([0, *served])) == 1, served
    assert both.served == ["/0", "/1", "/2", "/3", "/4"]
    for client in clients:
        assert client.next_answer().body == LONG_ONE
        client.hang_up()


def test_others_are_served_meanwhile(site: Site, clock: BusyClock, both: Laborious) -> None:
    first, second, other = (HttpClient(site, clock) for _ in range(3))
    send(first, "/first")
    send(second, "/second")
    other.request("POST", "/other", body=b"x")
    assert both.served == ["/first", "/other"]
    clock.advance(0)
    other.request("POST", "/another", body=b"x")
    assert both.served == ["/first", "/other", "/another"], "whatever came during the first has come before the second"
    clock.advance(0)
    assert both.served == ["/first", "/other", "/another", "/second"]
    for client in (first, second, other):
        client.hang_up()


def test_one_alone_is_served_at_once(site: Site, clock: BusyClock, both: Laborious, chunked: bool) -> None:
    client = HttpClient(site, clock)
    for _ in range(3):
        send(client, "/", chunked=chunked)
        assert client.next_answer().body == LONG_ONE
        clock.advance(TURN)
    assert len(both.served) == 3
    client.hang_up()


def test_so_are_many_that_are_served_fast(site: Site, clock: BusyClock, both: Laborious) -> None:
    clients = [HttpClient(site, clock) for _ in range(5)]
    for client in clients:
        send(client, "/fast")
    assert both.served == ["/fast"] * 5
    for client in clients:
        client.hang_up()


@pytest.mark.parametrize("leave", [HttpClient.hang_up, lambda client: client.transport.half_close()])
def test_who_leaves_before_its_turn_is_not_served(
    site: Site, clock: BusyClock, both: Laborious, leave: Callable[[HttpClient], None]
) -> None:
    first, second = HttpClient(site, clock), HttpClient(site, clock)
    send(first, "/first")
    send(second, "/second")
    leave(second)
    for _ in range(3):
        clock.advance(0)
    assert both.served == ["/first"]
    assert second.unread() == b""
    first.hang_up()


def test_what_comes_along_is_served_after_it(site: Site, clock: BusyClock, both: Laborious) -> None:
    first, second = HttpClient(site, clock), HttpClient(site, clock)
    send(first, "/first")
    send(second, "/second")
    along = compose("GET", "/along")
    second.send(along * (LONG // len(along)))
    assert not second.transport.reading
    assert both.served == ["/first"]
    for _ in range(3):
        clock.advance(0)
    assert both.served[:3] == ["/first", "/second", "/along"]
    for client in (first, second):
        client.hang_up()


def test_who_waits_for_its_turn_has_its_answer_when_the_site_stops(
    site: Site, clock: BusyClock, both: Laborious
) -> None:
    first, second = HttpClient(site, clock), HttpClient(site, clock)
    send(first, "/first")
    send(second, "/second")
    site.hang_up()
    clock.advance(0)
    answer = second.next_answer()
    assert (answer.body, answer.headers["connection"]) == (LONG_ONE, "close")
    clock.advance(0)
    assert second.transport.lost


def test_one_that_fails_in_its_turn_ends_its_connection(clock: BusyClock, both: Laborious) -> None:
    """As at once. The next has its turn all the same. Of twisted.web, a request that fails is answered."""
    site = Site(clock, both, Limits(), doors=both)
    clients = [HttpClient(site, clock) for _ in range(3)]
    for number, client in enumerate(clients):
        send(client, f"/{number}")
    both.broken = True
    clock.advance(0)
    with pytest.raises(ValueError, match="broken"):
        clock.advance(0)
    clock.advance(0)
    assert clients[1].transport.aborted
    assert both.served == ["/0", "/2"]
    for client in clients:
        client.hang_up()
    assert site.census.all == 0
