"""What a process takes from another, and how much: of the same user, but maybe of another version, or broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import ensureDeferred
from twisted.logger import capturedLogs

from tests.support.asking import Asking
from tests.support.home import QUESTION, Visited, framed, replies
from tests.support.readers import FakeReader
from tests.support.town import SARA, Town
from yekta.ai.provider import Kind
from yekta.app.owner import Owner
from yekta.link.asked import PATIENCE
from yekta.link.home import HESITATION, Visitor
from yekta.link.others import MOST_ASKING, MOST_WAITING
from yekta.link.words import MAX_LISTED, MAX_QUESTION


@pytest.mark.parametrize(
    "data",
    [
        framed(b"{"),
        framed([]),
        framed({}),
        framed({**QUESTION, "version": 2}),
        framed({**QUESTION, "ask": "everything"}),
        framed({**QUESTION, "session": None}),
        framed({**QUESTION, "name": "x" * MAX_QUESTION}),
        framed(QUESTION) + framed(QUESTION),
        b"\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_question_of_ours_is_hung_up_on(visited: Visited, data: bytes) -> None:
    visited.answers.begin("m", SARA)
    transport = visited.visitor()
    assert transport is not None
    with capturedLogs() as logs:
        transport.receive(data)
        visited.clock.advance(0)
    assert transport.lost is not None
    assert logs == []


def test_who_asks_nothing_is_hung_up_on(visited: Visited) -> None:
    transport = visited.visitor()
    assert transport is not None
    visited.clock.advance(HESITATION - 1)
    assert transport.lost is None
    visited.clock.advance(1)
    visited.clock.advance(0)
    assert transport.lost is not None


def test_so_many_visitors_and_no_more() -> None:
    visited = Visited(most=2)
    first, second = visited.visitor(), visited.visitor()
    assert first is not None
    assert second is not None
    assert visited.visitor() is None
    first.lose()
    assert visited.visitor() is not None


@pytest.mark.parametrize("ask", ["find", "cancel", "streams", "drop"])
@pytest.mark.parametrize("name", ["m", "other"])
def test_who_has_been_told_all_is_hung_up_on(visited: Visited, ask: str, name: str) -> None:
    visited.answers.begin("m", SARA).cancel()
    transport = visited.visitor()
    assert transport is not None
    transport.receive(framed({**QUESTION, "ask": ask, "name": name}))
    visited.clock.advance(0)
    assert len(replies(transport)) == 1
    assert transport.lost is not None


def test_of_very_many_answers_the_newest_are_told(visited: Visited) -> None:
    for number in range(MAX_LISTED + 5):
        visited.answers.begin(str(number), SARA)
    transport = visited.visitor()
    assert transport is not None
    transport.receive(framed({**QUESTION, "ask": "streams"}))
    [reply] = replies(transport)
    assert [each["messageId"] for each in reply["streams"]] == [str(number) for number in range(5, MAX_LISTED + 5)]


@pytest.fixture
def asking() -> Iterator[Asking]:
    asking = Asking("other")
    asking.look()
    yield asking
    asking.others.let_go()
    asking.answers.stop()
    asking.clock.advance(0)
    assert not asking.others.connections
    assert asking.clock.getDelayedCalls() == []


def test_a_question_says_who_asks_for_what(asking: Asking) -> None:
    assert replies(asking.transports[0]) == [{**QUESTION, "tag": "me"}]
    asking.say({"found": False})


@pytest.mark.parametrize(
    "reply",
    [
        b"{",
        [],
        {"found": True, "text": "abc", "ends": []},
        {"found": True, "text": "abc", "ends": [2]},
        {"found": True, "text": "abc", "ends": [2, 2, 3]},
        {"found": True, "text": "abc", "ends": [0, 3]},
        {"found": True, "text": "abc", "ends": [3, 2, 3]},
        {"found": True, "text": 3, "ends": [3]},
        {"found": True, "text": "abc", "ends": ["3"]},
    ],
)
def test_a_reply_that_is_none_is_as_if_there_were_none(asking: Asking, reply: Any) -> None:
    # Nor is anything heard after it.
    asking.say(reply, {"text": "abc", "ends": [3]})
    [failure] = asking.results
    assert failure.value.status == 404


def test_who_replied_in_time_is_asked_again_though_another_did_not() -> None:
    asking = Asking("quick", "stuck")
    asking.look()
    asking.say({"found": False})
    asking.clock.advance(PATIENCE)
    asking.look()
    assert [replies(each)[0]["ask"] for each in asking.transports] == ["find"] * 3
    asking.others.let_go()
    asking.clock.advance(0)
    assert asking.clock.getDelayedCalls() == []


def test_who_lets_go_hangs_up_and_asks_nobody_any_more(asking: Asking) -> None:
    asking.others.let_go()
    asking.clock.advance(0)
    assert asking.transports[0].lost is not None
    ensureDeferred(asking.others.find(SARA, "m")).addBoth(asking.results.append)
    assert (len(asking.transports), asking.results[-1], asking.others.alone) == (1, None, True)


def test_a_reply_that_is_too_large_is_not_even_read(asking: Asking) -> None:
    asking.transports[0].receive(b"\x00\x40\x00\x00")
    asking.clock.advance(0)
    assert asking.transports[0].lost is not None
    assert asking.results[0].value.status == 404


@pytest.mark.parametrize(
    "more", [b"{", {"text": "de", "ends": [3, 5]}, {"text": "de", "ends": [4]}, {"text": "d"}, {"ends": [4]}]
)
def test_what_does_not_go_on_from_what_was_said_breaks_it_off(asking: Asking, more: Any) -> None:
    asking.say({"text": "abc", "ends": [1, 3]})
    reader = FakeReader()
    reader.follow(asking.results[0], reader.send)
    asking.say(more)
    assert reader.heard[-1][1] == {"messageId": "m", "error": Kind.INTERRUPTED.value, "retryable": True}
    assert reader.texts == {"m": "abc"}


@pytest.mark.parametrize("more", [{"text": "d", "ends": [4]}, {"end": {}}])
def test_nothing_is_taken_after_the_end(asking: Asking, more: Any) -> None:
    asking.say({"text": "abc", "ends": [1, 3], "end": {}}, more)
    reader = FakeReader()
    reader.follow(asking.results[0], reader.send)
    assert reader.heard[-1] == ("ai:response:complete", {"messageId": "m", "fullResponse": "abc"})


def test_an_end_of_a_kind_that_is_not_known_yet_is_an_end(asking: Asking) -> None:
    asking.say({"end": {"trouble": {"kind": "SOMETHING", "error": "New", "message": "Quite new.", "status": 503}}})
    reader = FakeReader()
    reader.follow(asking.results[0], reader.send)
    assert reader.heard[-1][1] == {"messageId": "m", "error": "Quite new.", "retryable": True}


SURE = {"found": True, "text": "sure", "ends": [4]}
UNSURE = {"found": True, "sure": False, "text": "unsure", "ends": [6]}
FAILED = {"found": True, "text": "failed", "ends": [6], "end": {"trouble": {"kind": "TIMEOUT"}}}


@pytest.mark.parametrize(("first", "second", "chosen"), [(UNSURE, SURE, "sure"), (FAILED, UNSURE, "unsure")])
@pytest.mark.parametrize("order", [1, -1])
def test_of_several_the_one_is_followed_that_goes_on_for_sure(first: Any, second: Any, chosen: str, order: int) -> None:
    asking = Asking(*("one", "two")[::order])
    asking.look()
    for transport, reply in zip(asking.transports, (first, second)[::order], strict=True):
        transport.receive(framed(reply))
        asking.clock.advance(0)
    assert asking.results[0].text == chosen
    assert len(asking.others.connections) == 1
    asking.others.let_go()


def test_beyond_so_many_connections_nobody_is_asked() -> None:
    asking = Asking("one", "two", "three", most=2)
    asking.look()
    assert len(asking.transports) == 2
    asking.look()
    assert asking.results[0].value.status == 404
    assert len(asking.transports) == 2
    asking.clock.advance(PATIENCE)
    asking.clock.advance(0)
    assert not asking.others.connections


def test_who_asks_a_thousand_times_keeps_nobody_from_asking(asking: Asking) -> None:
    for _ in range(1000):
        asking.look()
    ensureDeferred(asking.others.find(Owner("s2"), "m")).addBoth(asking.results.append)
    assert len(asking.transports) == MOST_ASKING
    asking.say({"found": False})
    asking.transports[1].receive(framed({"found": False}))
    asking.clock.advance(0)
    whose = [replies(each)[0]["session"] for each in asking.transports]
    assert whose == [SARA.session] * (MOST_ASKING + 1) + ["s2"]
    # Beyond what may wait, nobody was asked.
    assert len(asking.results) == 1 + 1000 - MOST_ASKING - MOST_WAITING + 2


def test_an_answer_of_another_process_is_bounded_as_a_mirror_too() -> None:
    town = Town("a", "b", most=1)
    for number in range(3):
        town["a"].ask(f"m{number}")
        town.settle()
        town.generations[number].say("x")
    readers = [town["b"].ask(f"m{number}") for number in range(3)]
    town.settle()
    # One connection: the second and third are not asked for, and are paid for here.
    assert [reader.texts for reader in readers] == [{"m0": "x"}, {}, {}]
    assert len(town["b"].provider.generations) == 2
    town.close()


def test_visitors_that_read_nothing_are_dropped_at_last() -> None:
    visited = Visited()
    answer = visited.answers.begin("m", SARA)
    transport = visited.visitor()
    assert transport is not None
    transport.receive(framed(QUESTION))
    transport.congest()
    for _ in range(3):
        answer.text_received("x")
    # Nothing is queued for it.
    assert len(replies(transport)) == 1
    visited.home.close()
    visited.clock.advance(0)
    assert isinstance(transport.protocol, Visitor)
    assert visited.home.visitors == {transport.protocol}
    visited.home.drop()
    visited.clock.advance(0)
    assert not visited.home.visitors
    visited.answers.stop()
