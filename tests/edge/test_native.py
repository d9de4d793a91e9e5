"""The native door: its frames are the contract's to the byte. What a message costs: `test_call_budgets`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.application import Application, masked
from tests.support.calls import calls_of


@pytest.fixture
def application() -> Iterator[Application]:
    application = Application()
    yield application
    application.close()


def test_an_answer_is_the_contracts_to_the_byte(application: Application) -> None:
    said = application.native().say('{"event":"ping","id":"a"}')
    assert json.loads(said[2:]) == {"event": "pong", "data": {"timestamp": "2026-01-31T09:05:02.123Z"}, "id": "a"}


def test_only_a_handler_that_waits_becomes_a_deferred(application: Application) -> None:
    client = application.native()
    calls = calls_of(lambda: client.receive(masked('{"event":"ai:chat","data":{"message":"?"}}')))
    assert calls["twisted.internet.defer.Deferred.__init__"] > 0
