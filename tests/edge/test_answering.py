"""A door whose answers take a coroutine, behind a site."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.web.resource import Resource

from tests.support.memory import HttpClient
from yekta.edge.answering import AnsweringDoor
from yekta.web.arrival import Arrival
from yekta.web.request import Request
from yekta.web.site import Limits, Site


class Slow(AnsweringDoor):
    """Answers every request with what it waits for."""

    def __init__(self) -> None:
        self.waiting: Deferred[bytes] = Deferred()

    def door(self, asked: Request) -> Slow:
        return self

    async def answer(self, arrival: Arrival) -> None:
        arrival.respond(200, {}, await self.waiting)


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def client(slow: Slow, clock: Clock) -> Iterator[HttpClient]:
    client = HttpClient(Site(clock, Resource(), Limits(), doors=slow), clock)
    yield client
    client.hang_up()


def test_an_answer_may_come_later(slow: Slow, client: HttpClient) -> None:
    client.request("GET", "/")
    assert client.unread() == b""
    slow.waiting.callback(b"at last")
    assert client.unread().endswith(b"at last")


def test_what_a_client_waits_for_that_hangs_up_is_not_waited_for(slow: Slow, client: HttpClient) -> None:
    with capturedLogs() as logged:
        client.request("GET", "/")
        assert not slow.waiting.called
        client.hang_up()
        gc.collect()
    # It was cancelled.
    assert (slow.waiting.called, logged) == (True, [])


def test_an_error_that_nobody_has_foreseen_is_logged_once(slow: Slow, client: HttpClient) -> None:
    with capturedLogs() as logged:
        client.request("GET", "/")
        slow.waiting.errback(KeyError())
        gc.collect()
    assert [event["log_failure"].type for event in logged] == [KeyError]
    assert client.unread() == b""
