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
from twisted.internet.threads import deferToThread
from zope.interface.verify import verifyObject

from tests.support.patience import soon
from yekta.lookups import IHostnameResolver, IHostResolution, IResolutionReceiver, Lookups, _Found, share

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
    assert verifyObject(IHostnameResolver, Lookups(Asked()))
    assert verifyObject(IResolutionReceiver, _Found(list))


def test_who_asks_the_same_meanwhile_is_told_the_same() -> None:
    asked = Asked()
    lookups = Lookups(asked)
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
    lookups = Lookups(asked)
    for address in ("192.0.2.1", "192.0.2.2"):
        told = look_up(lookups, "ai.example")
        asked.answer(address)
        assert told == [address, "."]


@pytest_twisted.ensureDeferred
async def test_a_name_server_that_is_away_leaves_threads_for_others() -> None:
    leave = Event()

    def ask_the_system(*_: object) -> list[Any]:
        leave.wait(30)
        return []

    lookups = Lookups(GAIResolver(reactor, getaddrinfo=ask_the_system))
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
