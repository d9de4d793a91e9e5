"""One question to several processes, of which some do not reply, or not as they should."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet.defer import ensureDeferred
from twisted.logger import capturedLogs

from tests.support.asking import Asking
from tests.support.readers import FakeReader
from tests.support.town import SARA
from yekta.app.answer import State
from yekta.link.asked import PATIENCE

FOUND = {"found": True, "text": "abc", "ends": [3]}


@pytest.fixture
def asking() -> Iterator[Asking]:
    """Of two."""
    asking = Asking("one", "two")
    yield asking
    asking.others.let_go()
    asking.answers.stop()
    asking.clock.advance(0)
    assert not asking.others.connections
    assert asking.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("ask", "reply", "result"),
    [
        (lambda others: others.cancel(SARA, "m"), {"state": "complete"}, State.COMPLETE),
        (lambda others: others.streams(SARA), {"streams": []}, []),
        (lambda others: others.drop(SARA, "c"), {"found": True}, True),
    ],
    ids=["cancel", "streams", "drop"],
)
def test_what_one_replies_counts_though_another_does_not_reply(
    asking: Asking, ask: Callable[[Any], Any], reply: Any, result: Any
) -> None:
    ensureDeferred(ask(asking.others)).addBoth(asking.results.append)
    asking.say(reply, by=1)
    asking.clock.advance(PATIENCE)
    assert asking.results == [result]


def test_who_replies_twice_is_hung_up_on_and_its_first_reply_counts(asking: Asking) -> None:
    asking.look()
    asking.say({"found": False}, FOUND)
    assert asking.transports[0].lost is not None
    asking.say({"found": False}, by=1)
    assert asking.results[0].value.status == 404


def test_who_hung_up_is_asked_again_at_once(asking: Asking) -> None:
    asking.look()
    asking.transports[0].lose()
    asking.clock.advance(PATIENCE)
    asking.look()
    # The other one did not reply in time: it may be stuck.
    assert len(asking.transports) == 3


def test_the_answer_that_is_not_followed_of_two_is_left_in_silence(asking: Asking) -> None:
    with capturedLogs() as logs:
        asking.look()
        asking.say({**FOUND, "sure": False})
        asking.say({**FOUND, "sure": False}, by=1)
        assert len(asking.others.connections) == 1
        asking.clock.advance(0)
        asking.transports.clear()
        gc.collect()
    assert logs == []


def test_who_stops_an_answer_at_what_it_hears_leaves_no_alarm(asking: Asking) -> None:
    asking.look()
    asking.say(FOUND)
    asking.say({"found": False}, by=1)
    [answer] = asking.results
    reader = FakeReader()

    def stop(event: str, data: Any) -> None:
        if data.get("chunk") == "d":
            answer.cancel()

    reader.follow(answer, stop)
    asking.say({"text": "d", "ends": [4]})
    assert answer.state is State.CANCELLED
    assert asking.clock.getDelayedCalls() == []
