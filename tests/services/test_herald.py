"""What a process says of itself, and to whom."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import Logger

from yekta.services.herald import Herald, systemd
from yekta.services.outermost import Outermost


@pytest.fixture(params=["a path", "an abstract name"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """An address as systemd gives it, and who listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        abstract = request.param == "an abstract name"
        name = f"@yekta-{os.getpid()}" if abstract else str(tmp_path / "notify")
        listening.bind("\0" + name[1:] if abstract else name)
        listening.setblocking(False)
        yield name, listening


def heard(listening: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(listening.recv(4096).decode())
        except BlockingIOError:
            return messages


def test_systemd_hears_all(listener: tuple[str, socket.socket]) -> None:
    address, listening = listener
    clock, environment = Clock(), {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "4000000", "OTHER": "x"}
    herald = systemd(clock, environment)
    assert environment == {"OTHER": "x"}
    clock.advance(10)
    assert heard(listening) == []
    herald.ready()
    clock.pump([2.0, 2.0])
    assert heard(listening) == ["READY=1"] + 3 * ["WATCHDOG=1"]
    herald.reloading()
    (message,) = heard(listening)
    assert message.startswith("RELOADING=1\nMONOTONIC_USEC=")
    herald.ready()
    herald.stopping()
    clock.advance(2.0)
    assert heard(listening) == ["READY=1", "STOPPING=1", "WATCHDOG=1"]
    herald.silent()
    assert clock.getDelayedCalls() == []


def test_once_it_stops_nothing_is_said_of_a_start_or_a_reload(listener: tuple[str, socket.socket]) -> None:
    """A stop may come while workers start, or while the last clients are sent away."""
    address, listening = listener
    clock = Clock()
    herald = systemd(clock, {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "4000000"})
    herald.stopping()
    herald.ready()
    herald.reloading()
    assert not herald.is_ready
    assert heard(listening) == ["STOPPING=1"]
    assert clock.getDelayedCalls() == []


def test_without_a_watchdog_nothing_ticks(listener: tuple[str, socket.socket]) -> None:
    address, listening = listener
    for more in ({}, {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}):
        clock = Clock()
        systemd(clock, {"NOTIFY_SOCKET": address, **more}).ready()
        assert clock.getDelayedCalls() == []
        assert heard(listening) == ["READY=1"]


def test_who_has_gone_does_no_harm(listener: tuple[str, socket.socket]) -> None:
    address, listening = listener
    herald = systemd(Clock(), {"NOTIFY_SOCKET": address})
    listening.close()
    herald.ready()
    herald.silent()


def test_started_by_hand_nobody_is_told() -> None:
    clock, environment = Clock(), {"WATCHDOG_USEC": "1000000"}
    herald = systemd(clock, environment)
    herald.ready()
    herald.stopping()
    assert (clock.getDelayedCalls(), environment) == ([], {})


def test_anybody_else_can_be_told() -> None:
    clock, told = Clock(), []
    herald = Herald(clock, told.append, silence=30.0)
    herald.ready()
    clock.advance(15.0)
    assert told == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
    herald.silent()


class Reloading(Outermost):
    """A service that has nothing to read again."""

    _log = Logger()

    def _read_again(self) -> None:
        """Nothing."""


def test_a_reload_before_it_serves_does_not_say_that_it_does(listener: tuple[str, socket.socket]) -> None:
    address, listening = listener
    herald = systemd(Clock(), {"NOTIFY_SOCKET": address})
    options: Any = SimpleNamespace(service="service")
    logs: Any = SimpleNamespace(reopen=lambda: None)
    service = Reloading(Clock(), options, options, herald=herald, logs=logs)
    service._reload()
    assert heard(listening) == []
    herald.ready()
    assert heard(listening) == ["READY=1"]
    service._reload()
    reloading, ready = heard(listening)
    assert reloading.startswith("RELOADING=1")
    assert ready == "READY=1"
