"""What keeps the local model running, with a reactor that starts nothing."""

from __future__ import annotations

import errno
import json

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ProcessExitedAlready, ProcessTerminated
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure

from yekta.ai.provider import Kind
from yekta.services.localai import LocalModel, LocalSettings, bundled_model

SETTINGS = LocalSettings(load_time=20, grace=3, pause=1, longest_pause=4, stable=60, patience=10, most_waiting=2)


class Child:
    """A process that only exists on paper."""

    pid = 4711

    def __init__(self, protocol) -> None:
        self.protocol = protocol
        self.signals: list[str] = []
        self.stdin = b""
        self.gone = False
        protocol.makeConnection(self)

    def writeToChild(self, fd: int, data: bytes) -> None:
        assert fd == 0
        self.stdin += data

    def signalProcess(self, name: str) -> None:
        if self.gone:
            raise ProcessExitedAlready
        self.signals.append(name)

    def report(self, data: bytes) -> None:
        self.protocol.childDataReceived(3, data)

    def end(self) -> None:
        self.gone = True
        self.protocol.processEnded(Failure(ProcessTerminated(None, 9)))


class PaperReactor(Clock):
    def __init__(self) -> None:
        super().__init__()
        self.children: list[Child] = []
        self.short_of_processes = False

    def spawnProcess(self, protocol, executable, args, env, childFDs):
        if self.short_of_processes:
            raise BlockingIOError(errno.EAGAIN, "fork")
        self.args, self.env = args, env
        self.children.append(Child(protocol))
        return self.children[-1]


@pytest.fixture
def paper():
    return PaperReactor()


@pytest.fixture
def kept(paper):
    kept = LocalModel(paper, SETTINGS)
    kept.startService()
    yield kept
    if kept.running:
        kept.stopService()
        paper.children[-1].end()
    assert paper.getDelayedCalls() == []


def result_of(waiting: Deferred[int]) -> list[object]:
    results: list[object] = []
    waiting.addCallbacks(results.append, lambda failure: results.append(failure.value))
    return results


def test_those_who_wait_learn_the_port(paper, kept):
    first, second = result_of(kept.port()), result_of(kept.port())
    paper.children[0].report(b"12")
    assert first == []
    paper.children[0].report(b"34\n")
    assert (first, second, result_of(kept.port())) == ([1234], [1234], [1234])


def test_not_too_many_wait_and_not_too_long(paper, kept):
    first, second, third = (result_of(kept.port()) for _ in range(3))
    assert third[0].kind is Kind.UNAVAILABLE
    paper.advance(10)
    assert [first[0].kind, second[0].kind] == [Kind.TIMEOUT, Kind.TIMEOUT]
    assert result_of(kept.port()) == []


def test_who_gives_up_makes_room(paper, kept):
    waiting = [kept.port(), kept.port()]
    results = result_of(waiting[0])
    waiting[0].cancel()
    assert isinstance(results[0], CancelledError)
    assert result_of(kept.port()) == []
    paper.advance(10)
    assert result_of(waiting[1])[0].kind is Kind.TIMEOUT


def test_it_comes_back_after_growing_pauses(paper, kept):
    for pause in (1, 2, 4, 4):
        before = len(paper.children)
        paper.children[-1].end()
        paper.advance(pause - 0.01)
        assert len(paper.children) == before
        paper.advance(0.01)
        assert len(paper.children) == before + 1


def test_a_child_that_cannot_be_started_is_tried_again(paper, kept):
    paper.children[-1].report(b"0\n")
    paper.short_of_processes = True
    paper.children[-1].end()
    waiting = result_of(kept.port())
    paper.advance(1)
    paper.advance(2)
    paper.short_of_processes = False
    paper.advance(4)
    assert len(paper.children) == 2
    paper.children[-1].report(b"1\n")
    assert waiting == [1]


def test_who_waits_for_a_child_that_dies_is_told_at_once(paper, kept):
    with capturedLogs() as lines:
        waiting = result_of(kept.port())
        paper.children[-1].end()
        assert [waiting[0].kind, result_of(kept.port())[0].kind] == [Kind.UNAVAILABLE] * 2
        paper.advance(1)
        waiting = result_of(kept.port())
        assert waiting == []
        paper.children[-1].report(b"1\n")
        paper.children[-1].end()
    assert waiting == [1]
    assert result_of(kept.port()) == []
    levels = [(line["log_level"].name, formatEvent(line)) for line in lines if "ended" in formatEvent(line)]
    assert levels == [
        ("error", "local model: process ended by signal 9 before it was ready"),
        ("info", "local model: process ended by signal 9"),
    ]


def test_a_stable_child_is_forgiven(paper, kept):
    paper.children[-1].end()
    paper.advance(1)
    paper.children[-1].report(b"1\n")
    paper.advance(60)
    paper.children[-1].end()
    assert result_of(kept.port()) == []
    paper.advance(1)
    assert len(paper.children) == 3


def test_a_child_that_never_loads_is_killed(paper, kept):
    paper.advance(20)
    assert paper.children[0].signals == ["KILL"]


def test_stop_asks_then_insists(paper, kept):
    waiting = result_of(kept.port())
    stopped = kept.stopService()
    assert waiting[0].kind is Kind.UNAVAILABLE
    assert paper.children[0].signals == ["TERM"]
    paper.advance(3)
    assert paper.children[0].signals == ["TERM", "KILL"]
    assert not stopped.called
    paper.children[0].end()
    assert stopped.called


def test_stop_between_two_children(paper, kept):
    paper.children[0].end()
    assert kept.stopService().called


def test_stop_when_it_has_just_died(paper, kept):
    paper.children[0].gone = True
    stopped = kept.stopService()
    paper.children[0].end()
    assert stopped.called


def test_the_key_is_in_no_place_others_can_see(paper, kept):
    key = json.loads(paper.children[0].stdin)["key"]
    assert len(key) > 30
    assert key not in repr((paper.args, paper.env))


def test_what_the_child_gets(paper, kept):
    assert json.loads(paper.children[0].stdin)["model"] == str(bundled_model())
    assert set(paper.env) == {"PYTHONPATH"}
