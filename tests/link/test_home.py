"""When a home replies to who looks for an answer, and how it hangs up on those that follow one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.link.test_bounds import QUESTION, Visited, framed, replies
from tests.support.memory import MemoryTransport
from tests.support.town import SARA
from yekta.waiters import Waiters


@pytest.fixture
def home() -> Iterator[Visited]:
    home = Visited()
    yield home
    home.answers.stop()
    home.home.drop()
    home.clock.advance(0)
    assert home.clock.getDelayedCalls() == []


def finds(home: Visited, **more: object) -> MemoryTransport:
    transport = home.visitor()
    assert transport is not None
    transport.receive(framed({**QUESTION, **more}))
    return transport


def test_who_follows_is_told_no_more_and_left_when_the_home_closes(home: Visited) -> None:
    answer = home.answers.begin("m", SARA)
    transport = finds(home)
    home.home.close()
    assert transport.producer is None
    answer.text_received("x")
    assert len(replies(transport)) == 1
    home.clock.advance(0)
    assert transport.lost is not None


@pytest.mark.parametrize(("tag", "claim"), [("a", False), ("home", True), ("x", True), ("x", False)])
def test_who_does_not_claim_or_goes_after_us_is_told_at_once_that_it_is_not_sure(
    home: Visited, tag: str, claim: bool
) -> None:
    home.answers.begin("m", SARA).inquiry = Waiters()
    assert [each["sure"] for each in replies(finds(home, tag=tag, claim=claim))] == [False]


def test_who_claims_and_goes_before_us_waits_for_what_we_find_out(home: Visited) -> None:
    answer = home.answers.begin("m", SARA)
    answer.inquiry = inquiry = Waiters[None]()
    transport = finds(home, tag="a", claim=True)
    assert replies(transport) == []
    answer.inquiry = None
    inquiry.tell(None)
    assert len(replies(transport)) == 1
    answer.text_received("x")
    assert replies(transport)[1] == {"text": "x", "ends": [1]}


def test_who_has_gone_while_it_waited_follows_nothing(home: Visited) -> None:
    answer = home.answers.begin("m", SARA)
    answer.inquiry = inquiry = Waiters[None]()
    transport = finds(home, tag="a", claim=True)
    transport.lose()
    inquiry.tell(None)
    assert replies(transport) == []
    assert not transport.protocol.following


def test_who_does_not_read_is_not_written_to_until_it_does(home: Visited) -> None:
    answer = home.answers.begin("m", SARA)
    transport = finds(home)
    transport.congest()
    answer.text_received("x")
    answer.text_received("y")
    transport.relieve()
    assert replies(transport)[1:] == [{"text": "xy", "ends": [1, 2]}]
