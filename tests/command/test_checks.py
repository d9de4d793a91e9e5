"""What a check waits for, by the clock, and what it takes for a broken promise."""

from __future__ import annotations

from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from yekta.command.checks import DOORS, ENDED_WITHIN, Port, Unkept, rest, session_ends, websocket_information
from yekta.command.network import Answer


class OtherProcess:
    """A network that leads to another process than the one that was told of the logout: that hears of it ``later``."""

    def __init__(self, later: float, before: int = 200) -> None:
        self.reactor = Clock()
        self._later = later
        self._before = before

    async def request(self, method: str, url: str, headers: Any = None, body: Any = None) -> Answer:
        if method == "POST":
            return Answer(200, "{}")
        return Answer(self._before if self.reactor.seconds() < self._later else 401, "{}")


def outcome(network: Any) -> list[Any]:
    ends: list[Any] = []
    Deferred.fromCoroutine(session_ends.run(Port(network, "http://a", "t"))).addBoth(ends.append)
    network.reactor.pump([0.1] * 50)
    assert network.reactor.getDelayedCalls() == []
    return ends


@pytest.mark.parametrize("later", [0.0, 0.5, ENDED_WITHIN - 0.1])
def test_a_session_may_end_a_moment_later_at_another_process(later: float) -> None:
    assert outcome(OtherProcess(later)) == [None]


@pytest.mark.parametrize(("later", "status"), [(ENDED_WITHIN + 1, 200), (0.5, 500)])
def test_a_session_that_goes_on_and_an_error_are_told(later: float, status: int) -> None:
    [failure] = outcome(OtherProcess(later, status))
    failure.trap(Unkept)
    assert str(failure.value) == f"It goes on: HTTP {status}."


class Answering:
    """A network where every request is answered alike."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def request(self, method: str, url: str, headers: Any = None, body: Any = None) -> Answer:
        return self._answer


HTTP = {check.name: check for check in (*rest, websocket_information, *DOORS)}
REQUIRED, INVALID = "Authentication token required", "Invalid or expired session token"

# Each check of one request, and what keeps its promise (CONTRACT); then what does not.
PROMISED = {
    "health": (Answer(200, "{}"), Answer(503, "{}")),
    "a REST session": (Answer(200, '{"success": true}'), Answer(200, '{"success": false}'), Answer(401, "{}")),
    "no REST session without a token": (Answer(401, "{}"), Answer(200, "{}")),
    "server information": (Answer(200, "{}"), Answer(200, "<html>"), Answer(404, "{}")),
    "native without a token is refused": (Answer(401, REQUIRED), Answer(401, INVALID), Answer(101, REQUIRED)),
    "native with a wrong token is refused": (Answer(401, INVALID), Answer(401, REQUIRED), Answer(503, INVALID)),
    "native from an Origin that is not allowed is refused": (
        Answer(403, "Origin not allowed"),
        Answer(403, "Forbidden"),
        Answer(401, "Origin not allowed"),
    ),
    "polling from an Origin that is not allowed is refused": (Answer(403, ""), Answer(200, "")),
}


@pytest.mark.parametrize("name", PROMISED)
def test_a_promise_is_kept_by_one_answer_and_broken_by_others(name: str) -> None:
    kept, *broken = PROMISED[name]
    ends: list[Any] = []
    for answer in (kept, *broken):
        port = Port(cast(Any, Answering(answer)), "http://a", "t")
        Deferred.fromCoroutine(HTTP[name].run(port)).addBoth(ends.append)
    assert [getattr(end, "type", end) for end in ends] == [None, *[Unkept for _ in broken]]
