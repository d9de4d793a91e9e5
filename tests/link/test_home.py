"""When a home replies to who looks for an answer, and how it hangs up on those that follow one."""

from __future__ import annotations

import pytest

from tests.support.home import QUESTION, Visited, framed, replies
from tests.support.memory import MemoryTransport
from tests.support.town import SARA
from yekta.waiters import Waiters


def finds(visited: Visited, **more: object) -> MemoryTransport:
    transport = visited.visitor()
    assert transport is not None
    transport.receive(framed({**QUESTION, **more}))
    return transport


def test_who_follows_is_told_no_more_and_left_when_the_home_closes(visited: Visited) -> None:
    answer = visited.answers.begin("m", SARA)
    transport = finds(visited)
    visited.home.close()
    assert transport.producer is None
    answer.text_received("x")
    assert len(replies(transport)) == 1
    visited.clock.advance(0)
    assert transport.lost is not None


@pytest.mark.parametrize(("tag", "claim"), [("a", False), ("home", True), ("x", True), ("x", False)])
def test_who_does_not_claim_or_goes_after_us_is_told_at_once_that_it_is_not_sure(
    visited: Visited, tag: str, claim: bool
) -> None:
    visited.answers.begin("m", SARA).inquiry = Waiters()
    assert [each["sure"] for each in replies(finds(visited, tag=tag, claim=claim))] == [False]


def test_who_claims_and_goes_before_us_waits_for_what_we_find_out(visited: Visited) -> None:
    answer = visited.answers.begin("m", SARA)
    answer.inquiry = inquiry = Waiters[None]()
    transport = finds(visited, tag="a", claim=True)
    assert replies(transport) == []
    answer.inquiry = None
    inquiry.tell(None)
    assert len(replies(transport)) == 1
    answer.text_received("x")
    assert replies(transport)[1] == {"text": "x", "ends": [1]}


def test_who_has_gone_while_it_waited_follows_nothing(visited: Visited) -> None:
    answer = visited.answers.begin("m", SARA)
    answer.inquiry = inquiry = Waiters[None]()
    transport = finds(visited, tag="a", claim=True)
    transport.lose()
    inquiry.tell(None)
    assert replies(transport) == []
    assert not transport.protocol.following


def test_who_does_not_read_is_not_written_to_until_it_does(visited: Visited) -> None:
    answer = visited.answers.begin("m", SARA)
    transport = finds(visited)
    transport.congest()
    answer.text_received("x")
    answer.text_received("y")
    transport.relieve()
    assert replies(transport)[1:] == [{"text": "xy", "ends": [1, 2]}]
