"""A site whose requests go one way or the other: to twisted.web, or by the short path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from yekta.web.access import AccessLog
from yekta.web.arrival import Arrival, WebArrival
from yekta.web.request import Request
from yekta.web.site import Limits, Site


class BothWays(Resource):
    """Answers with the body that came: at once, and on ``/later`` when told. ``asked``: all requests so far.

    Only twisted.web serves ``/rest``. ``later``: those that are to be told. ``?status=`` is that of the answer.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Request] = []
        self.later: list[Arrival] = []

    def render(self, request: http.Request) -> int:
        self.serve(WebArrival(request))
        return NOT_DONE_YET

    def door(self, asked: Request) -> BothWays | None:
        return None if asked.path == "/rest" else self

    def expect_body(self, asked: Request) -> None:
        """It is as long as it is."""

    def serve(self, arrival: Arrival) -> None:
        self.asked.append(arrival.asked)
        if arrival.asked.path == "/later":
            self.later.append(arrival)
        else:
            arrival.respond(int(arrival.asked.query.get("status", "200")), {}, arrival.body)


@pytest.fixture
def both() -> BothWays:
    return BothWays()


@pytest.fixture(params=["twisted.web", "the short path"])
def site_of(request: pytest.FixtureRequest, clock: Clock, both: BothWays) -> Iterator[Callable[..., Site]]:
    """Makes a site, with some of its `Limits`. All of its clients have left at the end."""
    sites: list[Site] = []

    def make(access: AccessLog | None = None, **limits: Any) -> Site:
        doors = both if request.param == "the short path" else None
        site = Site(clock, both, Limits(**{"request_timeout": 60.0, **limits}), doors=doors, access=access)
        sites.append(site)
        return site

    yield make
    for site in sites:
        assert site.census.all == 0
        assert site.census._places == {}
        assert site.channels == set()
