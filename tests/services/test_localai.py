"""The local model itself, in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol

from tests.support.patience import turn
from yekta.ai.provider import Kind, Message, ProviderError
from yekta.services.localai import LocalModel, LocalSettings, available

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


def test_available(tmp_path):
    assert available()
    assert available(Path(__file__))
    assert not available(tmp_path / "none.gguf")
