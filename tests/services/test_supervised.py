"""One worker as its parent sees it, by the clock."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure

from yekta.services.supervised import LONGEST_PAUSE, PAUSE, STABLE, START, Supervised
from yekta.services.worker import SILENCE

_REPORT = 3


class Parent:
    """``pipes``: of each process that was started; ``short``: none can be, for want of descriptors. ``words``: of those
    that did not serve; ``gives_up``: whether it is content with none of them.
    """

    def __init__(self, clock: Clock) -> None:
        self.pipes: list[ProcessProtocol] = []
        self.signals: list[str] = []
        self.short = False
        self.told = 0
        self.words: list[str] = []
        self.gives_up = False
        self.clock = clock
        self.worker = Supervised(clock, 1, self._spawn, self._ready, self._failed)
        self.worker.start()

    def _spawn(self, index: int, pipes: ProcessProtocol) -> Any:
        if self.short:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        self.pipes.append(pipes)
        return self

    def signalProcess(self, name: str) -> None:
        """It ends when the test says so."""
        self.signals.append(name)

    def _ready(self) -> None:
        self.told += 1

    def _failed(self, words: str) -> bool:
        self.words.append(words)
        return self.gives_up

    def say(self, line: bytes) -> None:
        self.pipes[-1].childDataReceived(_REPORT, line + b"\n")

    def end(self) -> None:
        self.pipes[-1].processEnded(Failure(ProcessDone(0)))


@pytest.fixture
def parent(clock: Clock) -> Iterator[Parent]:
    parent = Parent(clock)
    yield parent
    stopped = parent.worker.stop()
    parent.end()
    assert stopped.called


def test_it_is_started_again_after_growing_pauses_and_forgiven_once_it_was_stable(parent: Parent, clock: Clock) -> None:
    with capturedLogs() as lines:
        pause = PAUSE
        while pause < LONGEST_PAUSE:
            parent.end()
            clock.advance(pause - 0.01)
            before = len(parent.pipes)
            clock.advance(0.02)
            assert len(parent.pipes) == before + 1
            pause *= 2
        for sign in [b"READY=1"] + [b"WATCHDOG=1"] * int(STABLE / SILENCE):
            parent.say(sign)
            clock.advance(SILENCE - 0.01)
        parent.end()
        before = len(parent.pipes)
        clock.advance(PAUSE)
    assert len(parent.pipes) == before + 1
    assert {formatEvent(line) for line in lines} == {"worker 1 has ended by exit 0; it starts again"}


def test_one_that_is_stuck_before_it_serves_is_started_again_after_growing_pauses(parent: Parent, clock: Clock) -> None:
    """However long that takes, it was never stable."""
    with capturedLogs():
        for number, pause in enumerate((PAUSE, 2 * PAUSE, 4 * PAUSE), 1):
            for _ in range(3):
                clock.advance(START - 1)
                parent.say(b"WATCHDOG=1")
            parent.end()
            clock.advance(pause - 0.01)
            assert len(parent.pipes) == number
            clock.advance(0.02)
            assert len(parent.pipes) == number + 1


def test_one_that_cannot_be_started_is_tried_again(parent: Parent, clock: Clock) -> None:
    parent.short = True
    with capturedLogs() as lines:
        parent.end()
        clock.advance(PAUSE)
        clock.advance(2 * PAUSE)
        assert len(parent.pipes) == 1
        parent.short = False
        clock.advance(4 * PAUSE)
    assert len(parent.pipes) == 2
    said = "worker 1 has ended by a start that failed: Too many open files; it starts again"
    assert [formatEvent(line) for line in lines[1:]] == [said, said]


def test_each_start_is_told_to_serve_once_and_only_while_it_does(parent: Parent, clock: Clock) -> None:
    assert not parent.worker.is_ready
    parent.say(b"READY=1")
    # As after a reload.
    parent.say(b"READY=1")
    assert (parent.worker.is_ready, parent.told) == (True, 1)
    with capturedLogs():
        parent.end()
    assert not parent.worker.is_ready
    clock.advance(PAUSE)
    assert not parent.worker.is_ready
    parent.say(b"READY=1")
    assert (parent.worker.is_ready, parent.told) == (True, 2)


def test_one_that_ends_before_it_serves_leaves_its_last_words(parent: Parent, clock: Clock) -> None:
    with capturedLogs():
        parent.pipes[-1].childDataReceived(2, b"Warning\nyektayar-ws: DATABASE_URL is wrong.\n")
        parent.pipes[-1].childDataReceived(1, b'{"log_namespace": "a"}\n')
        parent.end()
        clock.advance(PAUSE)
        parent.end()
        clock.advance(2 * PAUSE)
        assert not parent.worker.has_served
        parent.say(b"READY=1")
        parent.end()
        clock.advance(4 * PAUSE)
    assert parent.words == ["yektayar-ws: DATABASE_URL is wrong.", "Worker 1 has ended by exit 0."]
    assert parent.worker.has_served


def test_one_that_is_given_up_is_not_started_again(parent: Parent, clock: Clock) -> None:
    parent.gives_up = True
    parent.end()
    clock.advance(LONGEST_PAUSE)
    assert len(parent.pipes) == 1
    assert clock.getDelayedCalls() == []
    parent.worker.start()


def test_settings_are_read_again_by_one_that_starts_as_soon_as_it_serves(parent: Parent) -> None:
    parent.worker.reload()
    assert parent.signals == []
    parent.say(b"READY=1")
    assert parent.signals == ["HUP"]
    parent.worker.reload()
    assert parent.signals == ["HUP", "HUP"]


def test_one_that_gives_no_sign_of_life_is_killed_while_it_starts_and_while_it_serves(
    parent: Parent, clock: Clock
) -> None:
    with capturedLogs() as lines:
        clock.advance(START - 0.01)
        assert parent.signals == []
        clock.advance(0.01)
        assert parent.signals == ["KILL"]
        parent.end()
        clock.advance(PAUSE)
        for sign in (b"READY=1", b"WATCHDOG=1"):
            parent.say(sign)
            clock.advance(SILENCE - 0.01)
        assert parent.signals == ["KILL"]
        clock.advance(0.01)
    assert parent.signals == ["KILL", "KILL"]
    assert [formatEvent(line) for line in lines].count("worker 1 gives no sign of life") == 2


def test_what_it_logs_is_logged_by_us_with_its_number_and_so_is_what_it_says_otherwise(parent: Parent) -> None:
    with capturedLogs() as lines:
        for piece in (b'{"log_namespace": "a", "log_format": "hel', b'lo"}\nno log\xff\n'):
            parent.pipes[-1].childDataReceived(1, piece)
    assert (formatEvent(lines[0]), lines[0]["worker"], lines[0]["log_system"]) == ("hello", 1, "a worker 1")
    assert [formatEvent(line) for line in lines[1:]] == ["worker 1: no log\ufffd"]


def test_stopped_it_is_told_to_end_or_not_started_again(parent: Parent, clock: Clock) -> None:
    with capturedLogs():
        parent.end()
    assert parent.worker.stop().called
    clock.advance(PAUSE)
    assert len(parent.pipes) == 1
    parent.worker.start()
    assert not parent.worker.stop().called
    assert parent.signals == ["TERM"]
