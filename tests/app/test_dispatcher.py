"""One road from an event's name to its handler, and what is said when the handler cannot go on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any
from weakref import ref

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from tests.support.calls import calls_of
from tests.support.peers import FakePeer
from yekta import jsontext
from yekta.app.budget import Rate
from yekta.app.dispatcher import MOST_WAITING, Dispatcher, Event, Reply
from yekta.app.errors import ClientError
from yekta.app.peer import Peer
from yekta.app.schemas import Say
from yekta.eventually import then

Handler = Callable[[Peer, Any, Reply], Any]


def dispatch(handler: Handler, data: Any = None, shape: type | None = None) -> FakePeer:
    """A peer after it has sent one event, named ``it``."""
    peer = FakePeer()
    Dispatcher({"it": Event(handler, shape)}, Clock()).dispatch(peer, "it", data, peer.emit)
    return peer


def raising(error: Exception) -> Handler:
    def handler(peer: Peer, data: Any, reply: Reply) -> None:
        raise error

    return handler


def waiting(deferred: Deferred[Any]) -> Handler:
    async def handler(peer: Peer, data: Any, reply: Reply) -> None:
        reply("done", await deferred)

    return handler


FAILURES = [
    (ClientError("Wrong", "This is wrong"), "This is wrong", 0),
    (ClientError("Wrong"), "Wrong", 0),
    (jsontext.NotJson(), "Data cannot be sent back", 0),
    (ZeroDivisionError("secret"), "Internal error", 1),
    (RecursionError(), "Internal error", 1),
]


def test_a_handler_gets_the_peer_the_data_and_the_reply() -> None:
    peer = dispatch(lambda peer, data, reply: reply("done", [peer.id, data]), {"any": 1})
    assert peer.emitted == [("done", ["peer", {"any": 1}])]


def test_data_is_given_in_the_handlers_shape() -> None:
    peer = dispatch(lambda peer, data, reply: reply("done", data), {"content": "x"}, Say)
    assert peer.emitted == [("done", Say("x"))]


def test_data_of_another_shape_does_not_reach_the_handler() -> None:
    reached: list[Any] = []
    peer = dispatch(lambda *args: reached.append(args), {"content": 1}, Say)
    assert not reached
    assert peer.emitted == [("error", {"error": "Expected `str`, got `int` - at `$.content`", "event": "it"})]


def test_an_event_that_nobody_handles_is_named_up_to_a_hundred_characters() -> None:
    peer = FakePeer()
    Dispatcher({}, Clock()).dispatch(peer, "n" * 200, None, peer.emit)
    assert peer.emitted == [("error", {"error": "Unknown event type: " + "n" * 100})]


@pytest.mark.parametrize(("error", "text", "logged"), FAILURES)
def test_a_handler_that_fails_at_once(error: Exception, text: str, logged: int) -> None:
    with capturedLogs() as logs:
        peer = dispatch(raising(error))
    assert peer.emitted == [("error", {"error": text, "event": "it"})]
    assert len(logs) == logged


@pytest.mark.parametrize(("error", "text", "logged"), FAILURES)
def test_a_handler_that_fails_later(error: Exception, text: str, logged: int) -> None:
    deferred: Deferred[Any] = Deferred()
    with capturedLogs() as logs:
        peer = dispatch(waiting(deferred))
        assert peer.emitted == []
        deferred.errback(error)
    assert peer.emitted == [("error", {"error": text, "event": "it"})]
    assert len(logs) == logged


def test_a_handler_that_waits_replies_later() -> None:
    deferred: Deferred[Any] = Deferred()
    peer = dispatch(waiting(deferred))
    deferred.callback("late")
    assert peer.emitted == [("done", "late")]


def test_what_came_is_not_kept_for_a_handler_that_waits_for_something_else() -> None:
    async def ask(reply: Reply) -> None:
        reply("done", await deferred)

    deferred: Deferred[Any] = Deferred()
    # Anything that a weak reference can point to.
    data = Clock()
    came = ref(data)
    peer = dispatch(lambda peer, data, reply: ask(reply), data)
    del data
    assert came() is None
    deferred.callback("late")
    assert peer.emitted == [("done", "late")]


def test_a_peer_that_leaves_cancels_what_it_waits_for_in_silence() -> None:
    deferred: Deferred[Any] = Deferred()
    with capturedLogs() as logs:
        peer = dispatch(waiting(deferred))
        peer.gone()
    assert deferred.called
    assert (peer.emitted, logs) == ([], [])


def test_a_handler_may_be_cancelled_by_itself_without_a_word() -> None:
    deferred: Deferred[Any] = Deferred()
    with capturedLogs() as logs:
        peer = dispatch(waiting(deferred))
        deferred.errback(CancelledError())
    assert (peer.emitted, logs) == ([], [])


def test_a_handler_that_does_not_wait_costs_no_deferred() -> None:
    peer = FakePeer()
    dispatcher = Dispatcher({"it": Event(lambda peer, data, reply: reply("done", data))}, Clock())
    calls = calls_of(lambda: dispatcher.dispatch(peer, "it", 1, peer.emit))
    assert calls.total() == 3, calls


def test_what_a_failed_handler_was_sent_is_not_logged() -> None:
    with capturedLogs() as logs:
        dispatch(raising(ZeroDivisionError()), "a secret")
    assert "a secret" not in repr(logs[0]["log_failure"]) + logs[0]["log_format"]


def test_who_sends_too_many_events_is_told_when_to_come_back_and_others_are_not_held_up() -> None:
    clock = Clock()
    heard: list[Any] = []
    handler = Event(lambda peer, data, reply: reply("done", None))
    dispatcher = Dispatcher({"ping": handler}, clock, Rate(2, burst=2))
    one, other = FakePeer(), FakePeer()
    for peer in (one, one, one, other):
        dispatcher.dispatch(peer, "ping", None, lambda *event: heard.append(event))
    error = {"error": "Too many events", "code": "rate_limited", "event": "ping", "retryAfter": 0.5}
    assert heard == [("done", None), ("done", None), ("error", error), ("done", None)]
    clock.advance(0.5)
    dispatcher.dispatch(one, "ping", None, lambda *event: heard.append(event))
    assert heard[-1] == ("done", None)


def test_who_makes_too_many_handlers_wait_at_a_time_is_told_so() -> None:
    answers: list[Deferred[Any]] = []

    async def handler(peer: Peer, data: Any, reply: Reply) -> None:
        answers.append(Deferred())
        reply("done", await answers[-1])

    peer, dispatcher = FakePeer(), Dispatcher({"it": Event(handler)}, Clock())
    for _ in range(MOST_WAITING + 2):
        dispatcher.dispatch(peer, "it", None, peer.emit)
    assert len(answers) == MOST_WAITING
    assert peer.emitted == [("error", {"error": "Too many events at once", "event": "it"})] * 2
    answers[0].callback(1)
    dispatcher.dispatch(peer, "it", None, peer.emit)
    assert (peer.emitted[-1], len(answers)) == (("done", 1), MOST_WAITING + 1)
    peer.gone()


def test_what_one_too_many_would_have_waited_for_is_not_even_begun() -> None:
    async def ask() -> None:
        begun.append(None)
        await Deferred[None]()

    begun: list[None] = []
    peer, dispatcher = FakePeer(), Dispatcher({"it": Event(lambda *_: then(ask(), begun.append))}, Clock())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(MOST_WAITING + 2):
            dispatcher.dispatch(peer, "it", None, peer.emit)
    assert (len(begun), len(peer.emitted), told) == (MOST_WAITING, 2, [])
    peer.gone()


@pytest.mark.parametrize(("data", "about"), [({"content": "x"}, {"called": "x"}), ({"content": 1}, {}), (None, {})])
@pytest.mark.parametrize("kind", ["at once", "later", "too many"])
def test_an_error_names_what_it_is_about_where_that_could_be_read(data: Any, about: dict[str, str], kind: str) -> None:
    peer, never = FakePeer(), Deferred[None]()
    handler = raising(ClientError("no")) if kind == "at once" else waiting(never)
    table = {"it": Event(handler, Say, lambda say: {"called": say.content}), "other": Event(waiting(never))}
    dispatcher = Dispatcher(table, Clock())
    for _ in range(MOST_WAITING * (kind == "too many")):
        dispatcher.dispatch(peer, "other", None, peer.emit)
    dispatcher.dispatch(peer, "it", data, peer.emit)
    if kind == "later" and about:
        never.errback(ClientError("no"))
    ((event, error),) = peer.emitted
    assert (event, {name: error[name] for name in error.keys() - {"error"}}) == ("error", {"event": "it", **about})
    never.addErrback(lambda _: None)
    peer.gone()
