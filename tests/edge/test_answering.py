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


class TwoSteps(Slow):
    """Waits for something else first, and says so where what it waits for then fails."""

    def __init__(self) -> None:
        super().__init__()
        self.first: Deferred[None] = Deferred()

    async def answer(self, arrival: Arrival) -> None:
        await self.first
        try:
            await super().answer(arrival)
        except ValueError as error:
            arrival.respond(400, {}, str(error).encode())


@pytest.fixture
def two_steps() -> TwoSteps:
    return TwoSteps()


@pytest.fixture
def patient(two_steps: TwoSteps, clock: Clock) -> Iterator[HttpClient]:
    """A client of it, which has asked."""
    patient = HttpClient(Site(clock, Resource(), Limits(), doors=two_steps), clock)
    patient.request("GET", "/")
    yield patient
    patient.hang_up()


def test_an_answer_may_wait_for_one_thing_after_another(two_steps: TwoSteps, patient: HttpClient) -> None:
    two_steps.first.callback(None)
    assert patient.unread() == b""
    two_steps.waiting.callback(b"at last")
    assert patient.next_answer().body == b"at last"


def test_what_it_waits_for_may_fail(two_steps: TwoSteps, patient: HttpClient) -> None:
    two_steps.first.callback(None)
    two_steps.waiting.errback(ValueError("no"))
    answer = patient.next_answer()
    assert (answer.status, answer.body) == (400, b"no")


def test_who_hangs_up_cancels_what_is_waited_for_then(two_steps: TwoSteps, patient: HttpClient) -> None:
    with capturedLogs() as logged:
        two_steps.first.callback(None)
        patient.hang_up()
        gc.collect()
    assert (two_steps.waiting.called, logged) == (True, [])


def test_an_error_that_nobody_has_foreseen_is_logged_once(two_steps: TwoSteps, patient: HttpClient) -> None:
    with capturedLogs() as logged:
        two_steps.first.errback(KeyError())
        gc.collect()
    assert [event["log_failure"].type for event in logged] == [KeyError]
    assert patient.unread() == b""
