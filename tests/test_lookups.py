"""Lookups of names, shared."""

from __future__ import annotations

from threading import Event
from typing import Any

import attrs
import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.internet._resolver import GAIResolver
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs
from zope.interface.verify import verifyObject

from tests.support.patience import soon
from yekta.lookups import LONGEST, IHostnameResolver, IHostResolution, IResolutionReceiver, Lookups, _Found, share

reactor: Any = _reactor


@attrs.define(eq=False)
class Asked:
    """A resolver that answers when it is told to."""

    receivers: list[Any] = attrs.field(factory=list)
    names: list[tuple[object, ...]] = attrs.field(factory=list)

    def resolveHostName(self, receiver: Any, *asked: object) -> None:
        self.receivers.append(receiver)
        self.names.append(asked)

    def answer(self, *addresses: str) -> None:
        receiver = self.receivers.pop(0)
        for address in addresses:
            receiver.addressResolved(IPv4Address("TCP", address, 80))
        receiver.resolutionComplete()


def look_up(lookups: Any, name: str, port: int = 80) -> list[str]:
    """The addresses, as they become known, and ``.`` at the end."""
    told: list[str] = []
    receiver = _Found(lambda addresses: told.extend([*(each.host for each in addresses), "."]))
    lookup = lookups.resolveHostName(receiver, name, port)
    assert verifyObject(IHostResolution, lookup)
    assert lookup.name == name
    return told


def test_interfaces() -> None:
    assert verifyObject(IHostnameResolver, Lookups(Asked(), Clock()))
    assert verifyObject(IResolutionReceiver, _Found(list))


def test_who_asks_the_same_meanwhile_is_told_the_same() -> None:
    asked = Asked()
    lookups = Lookups(asked, Clock())
    first, second = look_up(lookups, "ai.example"), look_up(lookups, "ai.example")
    other, elsewhere = look_up(lookups, "db.example"), look_up(lookups, "ai.example", 443)
    assert [name[:2] for name in asked.names] == [("ai.example", 80), ("db.example", 80), ("ai.example", 443)]
    asked.answer("192.0.2.1", "192.0.2.2")
    assert first == second == ["192.0.2.1", "192.0.2.2", "."]
    assert other == elsewhere == []
    asked.answer()
    assert (other, elsewhere) == (["."], [])


def test_what_was_told_is_not_kept() -> None:
    asked = Asked()
    lookups = Lookups(asked, Clock())
    for address in ("192.0.2.1", "192.0.2.2"):
        told = look_up(lookups, "ai.example")
        asked.answer(address)
        assert told == [address, "."]


def test_a_lookup_that_never_ends_is_shared_for_a_while_only() -> None:
    asked, clock = Asked(), Clock()
    lookups = Lookups(asked, clock)
    first = look_up(lookups, "ai.example")
    clock.advance(LONGEST)
    second, third = look_up(lookups, "ai.example"), look_up(lookups, "ai.example")
    assert len(asked.names) == 2
    # The one that was given up ends at last: it is told to who has asked it, and no other lookup is taken for it.
    asked.answer("192.0.2.1")
    assert (first, second) == (["192.0.2.1", "."], [])
    fourth = look_up(lookups, "ai.example")
    asked.answer("192.0.2.2")
    assert second == third == fourth == ["192.0.2.2", "."]
    assert asked.receivers == []


def test_who_fails_to_hear_of_it_keeps_it_from_nobody() -> None:
    def fail(addresses: object) -> None:
        raise ValueError

    asked = Asked()
    lookups = Lookups(asked, Clock())
    lookups.resolveHostName(_Found(fail), "ai.example", 80)
    told = look_up(lookups, "ai.example")
    with capturedLogs() as logs:
        asked.answer("192.0.2.1")
    assert told == ["192.0.2.1", "."]
    assert [log["log_failure"].type for log in logs] == [ValueError]


@pytest_twisted.ensureDeferred
async def test_a_name_server_that_is_away_leaves_threads_for_others() -> None:
    leave = Event()

    def ask_the_system(*_: object) -> list[Any]:
        leave.wait(30)
        return []

    lookups = Lookups(GAIResolver(reactor, getaddrinfo=ask_the_system), reactor)
    ended: Deferred[None] = Deferred()
    for _ in range(100):
        look_up(lookups, "ai.example")
    lookups.resolveHostName(_Found(lambda _: ended.callback(None)), "ai.example", 80)
    try:
        await soon(deferToThread(lambda: None))
    finally:
        leave.set()
    await ended


def test_a_reactor_shares_once() -> None:
    class Reactor:
        def __init__(self) -> None:
            self.nameResolver: Any = Asked()

        def installNameResolver(self, resolver: Any) -> None:
            self.nameResolver = resolver

    reactor = Reactor()
    share(reactor)
    shared = reactor.nameResolver
    share(reactor)
    assert isinstance(shared, Lookups)
    assert reactor.nameResolver is shared
