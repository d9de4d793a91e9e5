"""Servers that tell each other something, and answer."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tests.socketio.adapter_suite import outcome
from tests.support.several import Several
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
