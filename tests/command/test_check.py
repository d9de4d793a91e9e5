"""How a check ends is told, and the next one is made."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from yekta.command.check import Report
from yekta.command.checks import Check, Port, Unkept
from yekta.command.websocket import Closed


async def kept(port: Port) -> None: ...


async def unkept(port: Port) -> None:
    raise Unkept("It is not so.")


async def closed(port: Port) -> None:
    raise Closed(4401, "a\x1b[2Jway")


async def endless(port: Port) -> None:
    await Deferred()


def test_each_is_told_and_none_is_waited_for_without_end(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    network: Any = SimpleNamespace(timeout=3.0)
    report = Report(clock, network)
    checks = [Check(run.__name__, run) for run in (unkept, endless, closed, kept)]
    running = Deferred.fromCoroutine(report.all(Port(network, "http://a/secret", "secret"), checks))
    clock.advance(2.9)
    assert not running.called
    clock.advance(0.1)
    assert running.called
    assert (report.kept, report.broken) == (1, 3)
    assert capsys.readouterr().out.splitlines() == [
        "FAIL  http://a  unkept: It is not so.",
        "FAIL  http://a  endless: It took too long.",
        "FAIL  http://a  closed: The connection was closed (4401: a\ufffd[2Jway).",
        "ok    http://a  kept",
    ]
