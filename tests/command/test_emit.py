"""What listens on a control socket may be something else."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver

from tests.support.patience import soon
from yekta.command.emit import run
from yekta.command.failure import CommandError

reactor: Any = _reactor


class Other(LineOnlyReceiver):
    """Says ``answer`` of its factory to every line, and goes."""

    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(self.factory.answer)
        self.transport.loseConnection()


class Leaving(LineOnlyReceiver):
    """Goes when a line has come."""

    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        self.transport.loseConnection()


def emit(path: str) -> Deferred[int]:
    options = Namespace(room="user:42", event="news", data=None, socket=path)
    return soon(Deferred.fromCoroutine(run(reactor, options, None)))


@pytest_twisted.ensureDeferred
async def test_a_refusal_is_said_in_the_words_of_the_service(tmp_path: Path) -> None:
    factory: Any = Factory.forProtocol(Other)
    factory.answer = b'{"ok": false, "error": "No such room."}'
    port = reactor.listenUNIX(str(tmp_path / "control"), factory)
    with pytest.raises(CommandError, match=r"^No such room\.$"):
        await emit(str(tmp_path / "control"))
    await port.stopListening()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request", b"[1]", b"{}", b'{"ok": true}', b"\xff"])
@pytest_twisted.ensureDeferred
async def test_what_is_no_service_is_said_to_be_none(tmp_path: Path, answer: bytes) -> None:
    factory: Any = Factory.forProtocol(Other)
    factory.answer = answer
    port = reactor.listenUNIX(str(tmp_path / "control"), factory)
    with pytest.raises(CommandError, match=r"^What listens on that socket is no service of yekta\.$"):
        await emit(str(tmp_path / "control"))
    await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_a_path_that_no_socket_can_have_is_refused() -> None:
    with pytest.raises(CommandError, match=r"^No socket can have so long a path\.$"):
        await emit("/a" + "م" * 53)
    with pytest.raises(CommandError, match=r"^Nobody listens on that control socket"):
        await emit("/" + "a" * 106)


@pytest_twisted.ensureDeferred
async def test_one_that_leaves_without_an_answer_is_told_of(tmp_path: Path) -> None:
    port = reactor.listenUNIX(str(tmp_path / "control"), Factory.forProtocol(Leaving))
    with pytest.raises(CommandError, match=r"^The service closed the control socket\.$"):
        await emit(str(tmp_path / "control"))
    await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_only_those_of_the_process_that_is_asked_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    factory: Any = Factory.forProtocol(Other)
    factory.answer = b'{"ok": true, "members": 0}'
    port = reactor.listenUNIX(str(tmp_path / "control"), factory)
    assert await emit(str(tmp_path / "control")) == 0
    assert capsys.readouterr().out == "Connections in the room at this process: 0\n"
    await port.stopListening()
