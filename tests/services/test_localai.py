"""The local model: the real one, and its keeper with a reactor that starts nothing."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ProcessExitedAlready, ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure

from tests.support.patience import turn
from yekta.ai.provider import Kind, Message, ProviderError
from yekta.services.localai import LocalModel, LocalSettings, available, bundled_model

ASKED = [Message("user", "Write one sentence about rain.")]


@pytest_twisted.async_yield_fixture
async def model():
    model = LocalModel(reactor, LocalSettings(max_tokens=12))
    model.startService()
    yield model
    if model.running:
        await model.stopService()


@pytest_twisted.ensureDeferred
async def test_it_answers_in_pieces_though_asked_while_it_loads(model):
    texts: list[str] = []
    completion = await model.provider.generate(ASKED, texts.append).done
    assert len(texts) > 1
    # All that it may say, unless it has said all that it would.
    assert completion.finish_reason in ("length", "stop")
    assert await model.provider.check() is True


@pytest_twisted.ensureDeferred
async def test_one_question_right_after_the_other_is_answered(model):
    """Its server closes a connection after each streamed answer, whatever it has promised."""
    for _ in range(10):
        completion = await model.provider.generate(ASKED, lambda _: None).done
        assert completion.finish_reason in ("length", "stop")


@pytest_twisted.ensureDeferred
async def test_stopped_it_is_gone(model):
    await model.port()
    pid = model.pid
    await model.stopService()
    assert not is_alive(pid)
    with pytest.raises(ProviderError):
        await model.provider.generate(ASKED, lambda _: None).done


@pytest_twisted.ensureDeferred
async def test_killed_it_comes_back(model):
    await model.port()
    pid = model.pid
    first_text: Deferred[None] = Deferred()

    def receive(text: str) -> None:
        if not first_text.called:
            first_text.callback(None)

    generation = model.provider.generate(ASKED, receive)
    await first_text
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ProviderError) as caught:
        await generation.done
    assert caught.value.kind is Kind.INTERRUPTED
    while model.pid == pid:
        await turn()
    assert await model.provider.check() is True
    assert model.pid not in (pid, None)


PARENT = """
from twisted.internet import reactor
from yekta.services.localai import LocalModel
model = LocalModel(reactor)
model.startService()
model.port().addCallback(lambda port: print(model.pid, flush=True))
reactor.run()
"""


class Parent(ProcessProtocol):
    """Another process that keeps a local model."""

    def __init__(self) -> None:
        self.child: Deferred[int] = Deferred()

    def outReceived(self, data: bytes) -> None:
        self.child.callback(int(data))


@pytest_twisted.ensureDeferred
async def test_it_dies_with_its_parent_however_that_dies():
    parent = Parent()
    process = reactor.spawnProcess(parent, sys.executable, [sys.executable, "-c", PARENT], env=None)
    child = await parent.child
    assert is_alive(child)
    process.signalProcess("KILL")
    deadline = reactor.seconds() + 5
    while is_alive(child) and reactor.seconds() < deadline:
        await turn()
    assert not is_alive(child)


def is_alive(pid: int) -> bool:
    """Whether a process of this id runs; one that ended and that nobody reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


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


SETTINGS = LocalSettings(load_time=20, grace=3, pause=1, longest_pause=4, stable=60, patience=10, most_waiting=2)


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


def test_available(tmp_path):
    assert available()
    assert available(Path(__file__))
    assert not available(tmp_path / "none.gguf")
