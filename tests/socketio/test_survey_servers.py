"""Servers that tell each other something, and answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tests.socketio.adapter_suite import outcome
from tests.support.several import Several
from yekta.socketio import cluster_words as words
from yekta.socketio.cluster_words import Word
from yekta.socketio.errors import AckTimeout


def test_servers_tell_each_other(several: Several) -> None:
    heard: list[Any] = []
    for name in "abc":
        several[name].server.on_server_side("e")(lambda *args, name=name: heard.append((name, args)))
    several["a"].server.server_side_emit("e", 1, "x")
    several.settle()
    assert sorted(heard) == [("b", (1, "x")), ("c", (1, "x"))]


def test_servers_answer_each_other_at_once_or_later(several: Several) -> None:
    later: Deferred[str] = Deferred()
    several["b"].server.on_server_side("e")(lambda: "at once")
    several["c"].server.on_server_side("e")(lambda: later)
    done = several["a"].server.server_side_emit_with_ack("e")
    several.settle()
    assert not done.called
    later.callback("later")
    several.settle()
    assert outcome(done) == ["at once", "later"]


def test_a_listener_that_returns_nothing_has_answered(several: Several) -> None:
    told: list[str] = []
    for name in "bc":
        several[name].server.on_server_side("e")(told.append)
    done = several["a"].server.server_side_emit_with_ack("e", "x")
    several.settle()
    assert (told, outcome(done)) == (["x", "x"], [None, None])


def test_what_a_server_of_node_emits_may_have_a_number_for_a_name(several: Several) -> None:
    told: list[str] = []
    assert several["b"].server.on_server_side("7")(told.append) == told.append, "as it was before it was decorated"
    several.wires.ends["a"].send("b", Word(words.EMIT, "/", {"packet": [7, "x"]}))
    several.settle()
    assert told == ["x"]


@pytest.mark.parametrize("answer", ["fails", "cannot be said"])
def test_one_that_cannot_answer_is_missed(several: Several, logged: list[Failure], answer: str) -> None:
    def listener() -> object:
        if answer == "fails":
            raise RuntimeError
        return object()

    several["b"].server.on_server_side("e")(listener)
    done = several["a"].server.server_side_emit_with_ack("e")
    several.settle()
    error = outcome(done)
    assert isinstance(error, AckTimeout)
    assert error.responses == [None]
    assert [each.type for each in logged] == ([RuntimeError] if answer == "fails" else [])
    logged.clear()


def test_a_listener_that_fails_is_logged_though_nobody_asked(several: Several, logged: list[Failure]) -> None:
    def listener() -> None:
        raise RuntimeError

    several["b"].server.on_server_side("e")(listener)
    several["a"].server.server_side_emit("e")
    several.settle()
    assert [each.type for each in logged] == [RuntimeError]
    logged.clear()


def test_a_listener_may_answer_by_its_parameter_ack(several: Several) -> None:
    """As a client's events are answered: once, whenever it likes; but with one value."""
    acks: list[Callable[..., None]] = []
    several["b"].server.on_server_side("e")(lambda text, ack: ack(text.upper(), "left out"))
    several["c"].server.on_server_side("e")(lambda text, ack: acks.append(ack))
    done = several["a"].server.server_side_emit_with_ack("e", "x")
    several.settle()
    assert not done.called
    for answer in ("y", "z"):
        acks[0](answer)
    several.settle()
    assert outcome(done) == ["X", "y"]


def test_a_listener_with_ack_may_return_its_answer_or_ack_with_nothing(several: Several) -> None:
    several["b"].server.on_server_side("e")(lambda ack: "returned")
    several["c"].server.on_server_side("e")(lambda ack: ack())
    done = several["a"].server.server_side_emit_with_ack("e")
    several.settle()
    assert set(outcome(done)) == {"returned", None}


def test_a_listener_that_fails_after_it_has_answered_is_logged(several: Several, logged: list[Failure]) -> None:
    @several["b"].server.on_server_side("e")
    def listener(ack: Callable[..., None]) -> None:
        ack("answer")
        raise RuntimeError

    done = several["a"].server.server_side_emit_with_ack("e")
    several.settle()
    assert set(outcome(done)) == {"answer", None}
    assert [each.type for each in logged] == [RuntimeError]
    logged.clear()


@pytest.mark.parametrize("asks", [True, False])
def test_every_listener_is_told_to_its_end_though_another_fails(
    several: Several, logged: list[Failure], asks: bool
) -> None:
    """The first one answers."""
    heard: list[str] = []

    async def first() -> None:
        heard.append("first")
        raise RuntimeError

    async def second() -> None:
        heard.append("second")
        raise LookupError

    async def third() -> None:
        heard.append("third")

    for listener in (first, second, third):
        several["b"].server.on_server_side("e")(listener)
    io = several["a"].server
    done = io.server_side_emit_with_ack("e") if asks else io.server_side_emit("e")
    several.settle()
    assert heard == ["first", "second", "third"]
    assert sorted(each.type.__name__ for each in logged) == ["LookupError", "RuntimeError"]
    logged.clear()
    if done is not None:
        assert isinstance(outcome(done), AckTimeout)


@pytest.mark.parametrize("event", ["connect", "connection", "new_namespace"])
@pytest.mark.parametrize("do", ["server_side_emit", "server_side_emit_with_ack"])
def test_nobody_tells_servers_of_node_that_a_client_has_come(several: Several, do: str, event: str) -> None:
    """They call the listeners of those for whatever another server says, which may be their end."""
    with pytest.raises(ValueError, match=f"^'{event}' is a reserved event name$"):
        getattr(several["a"].server, do)(event, 1)
    assert not any(several.wires.lines.values())
