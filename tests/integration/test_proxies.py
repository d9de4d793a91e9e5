"""Everything that a client does, through each reverse proxy of ``etc/``: both names, HTTP and HTTPS.

Time-outs and heartbeat are a hundredth of what they are in service: 3 s and 0.25 s for 300 s and 25 s. So 6 s without
a word stand for ten minutes, which are longer than any time-out, and 0.6 s for the minute of a long poll. PING_TIMEOUT,
for which 0.2 s would be little on a busy machine, is 1.5 s: a silent native client is pinged every 1.75 s, others every
0.25 s.
"""

from __future__ import annotations

import json
import subprocess
import sys
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
from twisted.internet.threads import deferToThread

from tests.support.gateway import Gateway
from tests.support.node import told
from tests.support.proxies import API, CLIENT, KINDS, PROGRAMS, WS, Behind, Proxy, proxied
from tests.support.proxy_clients import ORIGIN, PollingClient, Way
from tests.support.services import free_port
from yekta.services import ports

reactor: Any = _reactor

pytestmark = [pytest.mark.needs("node", *PROGRAMS)]

SETTINGS = {"TRUSTED_PROXIES": "127.0.0.1", "CORS_ORIGIN": ORIGIN, "PING_INTERVAL": "0.25", "PING_TIMEOUT": "1.5"}
PROXY_PROTOCOL = "haproxy, PROXY protocol"

# In heartbeats of polling clients, and of native ones.
MINUTE, TEN_MINUTES = 3, 5

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
SCHEMES = ("http", "https", "http", "https", "http")

every_proxy = pytest.mark.parametrize("name", KINDS)


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


async def at_once(*calls: Deferred[Any]) -> list[Any]:
    """What all of them give."""
    results: list[Any] = await gatherResults(calls, consumeErrors=True)
    return results


# -- every way in --------------------------------------------------------------------------------------------


@every_proxy
@pytest_twisted.ensureDeferred
async def test_yekta_check_finds_every_promise_kept(street: Street, name: str, tmp_path: Path) -> None:
    # One process: of a session that ends at another, one that holds no connection of it learns with a delay.
    api, ws = ((street.a.port(name, service),) * 2 for service in (0, 1))
    with proxied(name, folder_of(name, tmp_path), Behind(api, ws, several=False)) as proxy:
        ended = await at_once(*(deferToThread(check, proxy, scheme) for scheme in ("http", "https")))
    for checked in ended:
        assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
        assert checked.stdout.endswith(" 0 broken.\n")


def check(proxy: Proxy, scheme: str) -> subprocess.CompletedProcess[str]:
    """``yekta check`` of both host names."""
    api, ws = (Way(proxy, scheme, host) for host in (API, WS))
    command = [sys.executable, "-c", "from yekta.command.main import main; main()", "check", api.url, "--ws", ws.url]
    command += ["--connect", f"127.0.0.1:{api.url.rpartition(':')[2]}", "--cafile", str(proxy.folder / "fullchain.pem")]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@every_proxy
@pytest_twisted.ensureDeferred
async def test_real_clients_come_through(street: Street, name: str) -> None:
    token, ways = await street.acquire(), street.ways(name)
    pem = street.proxies[name].pem
    heard = await deferToThread(told, "proxies.mjs", [way.url for way in ways], token, pem, ORIGIN)
    assert heard == [["سلام", transport] for _ in ways for transport in ("polling", "websocket", "websocket")]


@every_proxy
@pytest_twisted.ensureDeferred
async def test_a_session_is_acquired_and_its_client_known(street: Street, name: str) -> None:
    for scheme in ("http", "https"):
        way = street.way(name, scheme, API)
        response, text = await deferToThread(way.ask, "POST", "/api/auth/acquire-session")
        assert response.headers.get_all("access-control-allow-origin") == [ORIGIN]
        assert response.headers.get_all("access-control-allow-credentials") == ["true"]
        street.tokens.append(json.loads(text)["data"]["token"])
        assert json.loads(street.a.store.added[-1].metadata)["ip"] == CLIENT


@every_proxy
@pytest_twisted.ensureDeferred
async def test_a_preflight_is_answered_by_the_gateway_alone(street: Street, name: str) -> None:
    for way in street.ways(name):
        asked = {"Access-Control-Request-Method": "POST"}
        response, _ = await deferToThread(way.ask, "OPTIONS", "/api/auth/acquire-session", None, asked)
        assert response.status == 204
        assert response.headers.get_all("access-control-allow-origin") == [ORIGIN]
        target = "/socket.io/?EIO=4&transport=polling"
        refused, _ = await deferToThread(way.ask, "GET", target, None, {"Origin": "https://x"})
        assert refused.status == 403
        assert refused.headers.get_all("access-control-allow-origin") is None


@every_proxy
@pytest_twisted.ensureDeferred
async def test_native_by_query_and_by_header(street: Street, name: str) -> None:
    token = await street.acquire()

    def converse(way: Way) -> None:
        for target, headers in ((f"/ws?token={token}", ""), ("/ws", f"Authorization: Bearer {token}")):
            with way.websocket(target, headers) as client:
                assert json.loads(client.text())["event"] == "connected"
                assert client.say("echo", "سلام")["data"]["received"] == "سلام"
        response, text = way.ask("GET", "/ws", headers=UPGRADE)
        assert (response.status, text) == (401, "Authentication token required")

    await at_once(*(deferToThread(converse, way) for way in street.ways(name)))


@every_proxy
@pytest_twisted.ensureDeferred
async def test_polling_finds_its_process_and_its_client_is_known(street: Street, name: str) -> None:
    """Eight clients of each way: with two processes and no sid in the first request, both get some."""
    token = await street.acquire()
    processes = set()
    for way in street.ways(name):
        clients = await at_once(*(deferToThread(PollingClient, way, token) for _ in range(8)))
        for client in clients:
            process = street.process(client.sid)
            processes.add(process)
            assert process.seen(client.sid) == (CLIENT, way.scheme == "https")
        await at_once(*(deferToThread(client.post, '421["echo","hi"]') for client in clients))
        await at_once(*(deferToThread(client.until, r'431\[.*"received":"hi"') for client in clients))
        await at_once(*(deferToThread(client.leave) for client in clients))
        assert {tuple(cors) for client in clients for cors in client.cors} == {(ORIGIN,)}
    assert processes == {street.a, street.b}


# -- what takes its time -------------------------------------------------------------------------------------


@every_proxy
@pytest_twisted.ensureDeferred
async def test_server_sent_events_come_as_they_are_sent(street: Street, name: str) -> None:
    for scheme in ("http", "https"):
        way = street.way(name, scheme, API)
        question = json.dumps({"message": "?", "locale": "en"})
        asked = deferToThread(way.begin, "POST", "/api/ai/chat", question, {"Accept": "text/event-stream"})
        generation = await street.a.provider.asked()
        response = await asked
        for word in ("one", "two"):
            generation.say(word)
            chunk = b""
            while word.encode() not in chunk:
                # The next word is said only when this one has come.
                chunk = await deferToThread(response.readline)
        generation.finish()
        assert b'"fullResponse":"onetwo"' in await deferToThread(response.read)
        assert response.headers.get_all("access-control-allow-origin") == [ORIGIN]
        response.close()


@pytest_twisted.ensureDeferred
async def test_a_client_without_a_word_stays(street: Street) -> None:
    """All proxies at once: a native client for ten minutes, a polling one for longer than a minute."""
    token = await street.acquire()

    def rest(way: Way) -> None:
        with way.websocket(f"/ws?token={token}") as client:
            assert json.loads(client.text())["event"] == "connected"
            client.beats(TEN_MINUTES)
            assert client.say("ping")["event"] == "pong"

    def poll(way: Way) -> None:
        client = PollingClient(way, token)
        client.beats(MINUTE)
        client.post('42["ping"]')
        client.until('"pong"')
        client.leave()

    resting = [deferToThread(rest, street.way(name, scheme, WS)) for name, scheme in zip(KINDS, SCHEMES, strict=True)]
    polling = [deferToThread(poll, street.way(name, scheme, API)) for name, scheme in zip(KINDS, SCHEMES, strict=True)]
    await at_once(*resting, *polling)


# -- what is logged ------------------------------------------------------------------------------------------


@every_proxy
@pytest_twisted.ensureDeferred
async def test_of_a_service_that_is_away_no_token_is_logged(street: Street, name: str, tmp_path: Path) -> None:
    """With the file as it ships, for one process of each service; yektayar-ws is away."""
    token = "a-token-that-nobody-may-read"
    behind = Behind(street.behind(name).api, (free_port(), free_port()), several=False)
    with proxied(name, folder_of(name, tmp_path), behind) as proxy:
        for scheme in ("http", "https"):
            here, _ = await deferToThread(Way(proxy, scheme, API).ask, "GET", f"/websocket-info?token={token}")
            assert here.status == 200
        target, header = f"/ws?sid=x&token={token}", {"Authorization": f"Bearer {token}"}
        ways = [Way(proxy, scheme, WS) for scheme in ("http", "https")]
        for away, _ in await at_once(*(deferToThread(way.ask, "GET", target, None, header) for way in ways)):
            assert away.status in (502, 503)
    assert_discreet(proxy, [token])
