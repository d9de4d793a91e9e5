"""What a check waits for, by the clock."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from yekta.command.checks import ENDED_WITHIN, Port, Unkept, session_ends
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
