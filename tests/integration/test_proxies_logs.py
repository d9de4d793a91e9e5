"""Whatever is asked for, no token is in what the reverse proxies of ``etc/`` log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from tests.support.attacks import Wire
from tests.support.proxies import API, PROGRAMS, WS, Behind, Proxy, proxied
from tests.support.proxy_clients import Way
from tests.support.services import free_port
from tests.support.street import Process, assert_discreet, at_once, every_proxy, folder_of

pytestmark = [pytest.mark.needs(*PROGRAMS)]


@pytest_twisted.async_yield_fixture(scope="module")
async def process() -> AsyncIterator[Process]:
    process = Process("a")
    await process.start()
    yield process
    await process.stop()


@every_proxy
@pytest_twisted.ensureDeferred
async def test_of_a_service_that_is_away_no_token_is_logged(process: Process, name: str, tmp_path: Path) -> None:
    """With the file as it ships, for one process of each service; yektayar-ws is away."""
    token = "a-token-that-nobody-may-read"
    behind = Behind((process.port(name, 0),) * 2, (free_port(), free_port()), several=False)
    with proxied(name, folder_of(name, tmp_path), behind) as proxy:
        for scheme in ("http", "https"):
            here, _ = await deferToThread(Way(proxy, scheme, API).ask, "GET", f"/websocket-info?token={token}")
            assert here.status == 200
        target, header = f"/ws?sid=x&token={token}", {"Authorization": f"Bearer {token}"}
        ways = [Way(proxy, scheme, WS) for scheme in ("http", "https")]
        for away, _ in await at_once(*(deferToThread(way.ask, "GET", target, None, header) for way in ways)):
            assert away.status in (502, 503)
    assert_discreet(proxy, [token])


# A method and a target. In all but the first, the token is no query to some of those who read requests.
ODDLY = (
    "GET /ws?token=",
    "CONNECT /ws?token=",
    "GET http://[::1/ws?token=",
    "GET /ws%3Ftoken=",
    "GET /ws%3ftoken=",
    "?token=",
)
# One of ours, and one that the proxy may lead elsewhere, with the query.
NAMES = (API, "192.0.2.1")


@every_proxy
@pytest_twisted.ensureDeferred
async def test_of_what_is_asked_for_oddly_no_token_is_logged(process: Process, name: str, tmp_path: Path) -> None:
    """Some clients write the query's ? as a part of the path, or know no name of ours."""
    token, (api, ws) = "a-token-that-nobody-may-read", ((process.port(name, service),) * 2 for service in (0, 1))
    with proxied(name, folder_of(name, tmp_path), Behind(api, ws)) as proxy:
        for scheme in ("http", "https"):
            for host, asked in product(NAMES, ODDLY):
                await deferToThread(_ask_oddly, proxy, scheme, host, f"{asked}{token}")
            here, _ = await deferToThread(Way(proxy, scheme, API).ask, "GET", f"/ws/x?token={token}")
            assert here.status == 404
    assert "/ws/x" in proxy.logs
    assert_discreet(proxy, [token])


def _ask_oddly(proxy: Proxy, scheme: str, host: str, asked: str) -> None:
    """Whatever the answer is, if there is one."""
    with Wire.of(proxy.connect(scheme, API)) as wire:
        wire.send(f"{asked} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        wire.rest()
