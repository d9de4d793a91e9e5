"""A gateway of two processes, with all reverse proxies of ``etc/`` before them.

    from tests.support.street import Street, street        # the fixture, in `__all__`
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import serverFromString

from tests.support.gateway import Gateway
from tests.support.proxies import API, KINDS, WS, Behind, Proxy, proxied
from tests.support.proxy_clients import ORIGIN, Way
from yekta.services import ports

reactor: Any = _reactor

# 0.2 s for a pong would be little on a busy machine. A silent native client is pinged every 1.75 s, others every 0.25.
SETTINGS = {"TRUSTED_PROXIES": "127.0.0.1", "CORS_ORIGIN": ORIGIN, "PING_INTERVAL": "0.25", "PING_TIMEOUT": "1.5"}
PROXY_PROTOCOL = "haproxy, PROXY protocol"

every_proxy = pytest.mark.parametrize("name", KINDS)


async def at_once(*calls: Deferred[Any]) -> list[Any]:
    """What all of them give."""
    results: list[Any] = await gatherResults(calls, consumeErrors=True)
    return results


class Process(Gateway):
    """One of two processes behind the proxies, on ports for both ways of saying who the client is."""

    def __init__(self, name: str, first: Process | None = None) -> None:
        self._first = first or self
        super().__init__(**SETTINGS, PROCESS_NAME=name)

    def _open_database(self) -> None:
        self.store, self.provider = self._first.store, self._first.provider
        super()._open_database()

    async def start(self) -> None:
        self.startService()
        sites = [self._site(ports.api(self)), self._site(ports.ws(self))]
        self._ports = [
            await serverFromString(reactor, f"{kind}tcp:0:interface=127.0.0.1").listen(site)
            for kind in ("", "haproxy:")
            for site in sites
        ]

    def port(self, name: str, service: int) -> int:
        """The port of a service for a proxy: 0 is the API's."""
        port: int = self._ports[service + 2 * (name == PROXY_PROTOCOL)].getHost().port
        return port

    def seen(self, sid: str) -> tuple[str, bool]:
        """Where a Socket.IO client is, and whether it came over TLS."""
        request = self.socketio.engine.connections[sid].request
        return request.address, request.secure


@attrs.define(eq=False)
class Street:
    """The gateway's two processes, and all proxies before them. They share their sessions."""

    a: Process
    b: Process
    proxies: dict[str, Proxy] = attrs.field(factory=dict)
    tokens: list[str] = attrs.field(factory=list)

    def way(self, name: str, scheme: str, host: str) -> Way:
        return Way(self.proxies[name], scheme, host)

    def ways(self, name: str) -> list[Way]:
        """All ways through a proxy."""
        return [self.way(name, scheme, host) for scheme in ("http", "https") for host in (API, WS)]

    def behind(self, name: str) -> Behind:
        """Where a proxy finds the processes."""
        return Behind(*((self.a.port(name, service), self.b.port(name, service)) for service in (0, 1)))

    def process(self, sid: str) -> Process:
        """The one that knows ``sid``."""
        return self.b if sid.endswith(".b") else self.a

    async def acquire(self) -> str:
        token, _ = await self.a.acquire()
        self.tokens.append(token)
        return token


def folder_of(name: str, parent: Path) -> Path:
    return parent / name.replace(", ", "-").replace(" ", "-")


@pytest_twisted.async_yield_fixture(scope="module")
async def street(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    a = Process("a")
    street = Street(a, Process("b", a))
    await a.start()
    await street.b.start()
    folder = tmp_path_factory.mktemp("proxies")
    with ExitStack() as stack:
        for name in KINDS:
            street.proxies[name] = stack.enter_context(proxied(name, folder_of(name, folder), street.behind(name)))
        yield street
    await street.b.stop()
    await a.stop()
    for proxy in street.proxies.values():
        assert_discreet(proxy, street.tokens)


def assert_discreet(proxy: Proxy, tokens: list[str]) -> None:
    """It logged what was asked for, without a token."""
    assert "/ws" in proxy.logs, proxy.logs
    assert not any(token in proxy.logs for token in tokens), proxy.logs
