from __future__ import annotations

import sys
from typing import Any

import pytest
from twisted.internet.error import ConnectError
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from yekta.services.config import ConfigError
from yekta.services.redis import Redis


def test_it_connects_when_it_starts_and_ends_when_it_stops() -> None:
    reactor: Any = MemoryReactorClock()
    redis = Redis(reactor, "unix:///run/redis.sock?db=2")
    assert reactor.unixClients == []
    redis.startService()
    assert [client[0] for client in reactor.unixClients] == ["/run/redis.sock"] * 2
    assert redis.stopService().called
    assert reactor.getDelayedCalls() == []


def test_where_both_its_connections_find_nobody_that_is_told_once() -> None:
    reactor: Any = MemoryReactorClock()
    redis = Redis(reactor, "unix:///run/redis.sock")
    redis.startService()
    with capturedLogs() as logged:
        for client in reactor.unixClients[:2]:
            client[1].clientConnectionFailed(None, Failure(ConnectError()))
    assert len(logged) == 1
    redis.stopService()
    assert reactor.getDelayedCalls() == []


def test_without_its_client_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yekta.redis.lasting", None)
    with pytest.raises(ConfigError) as caught:
        Redis(MemoryReactorClock(), "redis://h")
    assert str(caught.value) == "REDIS_URL needs txredisapi: pip install 'yekta[redis]'."


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "redis_1"])
def test_a_name_that_no_certificate_can_have_is_a_sentence(host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Redis(MemoryReactorClock(), f"rediss://:secret@{host}")
    assert str(caught.value) == "REDIS_URL must name a host as a certificate does."
