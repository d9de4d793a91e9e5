from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred

from yekta.app.single_flight import SingleFlight


class Oracle:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.questions: list[tuple[str, Deferred[int]]] = []
        self.flight: SingleFlight[str, int] = SingleFlight(self._ask)

    async def _ask(self, key: str) -> int:
        answer: Deferred[int] = Deferred()
        self.questions.append((key, answer))
        return await answer

    def get(self, key: str) -> Deferred[int]:
        return Deferred.fromCoroutine(self.flight.get(key))


def result(deferred: Deferred[int]) -> object:
    results: list[object] = []
    deferred.addBoth(results.append)
    return results[0] if results else None


def test_the_same_question_is_asked_once_at_a_time() -> None:
    oracle = Oracle()
    first, second, other = oracle.get("a"), oracle.get("a"), oracle.get("b")
    assert [key for key, _ in oracle.questions] == ["a", "b"]
    oracle.questions[0][1].callback(7)
    assert (result(first), result(second), result(other)) == (7, 7, None)
    again = oracle.get("a")
    assert len(oracle.questions) == 3
    oracle.questions[2][1].callback(8)
    assert result(again) == 8


def test_a_failure_reaches_all_who_wait() -> None:
    oracle = Oracle()
    waiting = [oracle.get("a"), oracle.get("a")]
    oracle.questions[0][1].errback(KeyError("no"))
    for deferred in waiting:
        with pytest.raises(KeyError):
            result(deferred).raiseException()  # type: ignore[attr-defined]


def test_who_goes_away_does_not_disturb_the_others() -> None:
    oracle = Oracle()
    leaving, staying = oracle.get("a"), oracle.get("a")
    leaving.cancel()
    assert result(leaving).check(CancelledError)  # type: ignore[attr-defined]
    oracle.questions[0][1].callback(7)
    assert result(staying) == 7
    assert oracle.flight._waiting == {}
