"""Everything that a client does, through each reverse proxy of ``etc/``: both names, HTTP and HTTPS.

Time-outs and heartbeat are a hundredth of what they are in service: 3 s and 0.25 s for 300 s and 25 s. So 6 s without
a word stand for ten minutes, which are longer than any time-out, and 0.6 s for the minute of a long poll.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import attrs
import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from tests.support.node import told
from tests.support.proxies import API, CLIENT, IPV6, KINDS, PROGRAMS, WS, Behind, Proxy, proxied
from tests.support.proxy_clients import ORIGIN, PollingClient, Way
from tests.support.services import free_port
from tests.support.street import Process, Street, at_once, every_proxy, folder_of, street

__all__ = ["street"]

pytestmark = [pytest.mark.needs("node", *PROGRAMS)]

# In heartbeats of polling clients, and of native ones.
MINUTE, TEN_MINUTES = 3, 5

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
SCHEMES = ("http", "https", "http", "https", "http")


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


@pytest.mark.skipif(not IPV6, reason="IPv6 is turned off")
@every_proxy
@pytest_twisted.ensureDeferred
async def test_a_client_that_has_ipv6_comes_in_and_is_known(street: Street, name: str) -> None:
    for way in street.ways(name):
        if way.host == API:
            response, _ = await deferToThread(attrs.evolve(way, source="::1").ask, "POST", "/api/auth/acquire-session")
            assert response.status == 200
            assert ip_address(json.loads(street.a.store.added[-1].metadata)["ip"]) == ip_address("::1")


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


# -- one of two processes ------------------------------------------------------------------------------------


@every_proxy
@pytest_twisted.ensureDeferred
async def test_where_one_process_is_stopped_the_other_serves_all(street: Street, name: str, tmp_path: Path) -> None:
    """Of each way so many that both processes would get some. Only a ``sid`` of the one that is away is lost."""
    token = await street.acquire()
    behind = Behind(*((street.a.port(name, service), free_port()) for service in (0, 1)))

    def live(way: Way) -> None:
        for _ in range(4):
            for method, target, body in (("GET", "/health", None), ("POST", "/api/auth/acquire-session", "{}")):
                response, text = way.ask(method, target, body)
                assert response.status == 200, text
        for _ in range(2):
            with way.websocket(f"/ws?token={token}") as client:
                assert json.loads(client.text())["event"] == "connected"
            polling = PollingClient(way, token)
            polling.post('421["echo","hi"]')
            polling.until(r'431\[.*"received":"hi"')
            polling.leave()
        lost, _ = way.ask("GET", "/socket.io/?EIO=4&transport=polling&sid=x.b")
        assert lost.status in (400, 502, 503)

    with proxied(name, folder_of(name, tmp_path), behind) as proxy:
        ways = [Way(proxy, scheme, host) for scheme in ("http", "https") for host in (API, WS)]
        await at_once(*(deferToThread(live, way) for way in ways))


@pytest.mark.parametrize("host", [API, WS])
@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith(("caddy", "haproxy"))])
@pytest_twisted.ensureDeferred
async def test_one_that_is_not_ready_gets_nobody_new_and_keeps_who_is_there(
    street: Street, name: str, host: str
) -> None:
    token, way = await street.acquire(), street.way(name, "https", host)

    async def arrive(*, some_at_b: bool) -> list[PollingClient]:
        """Eight at a time, until some of them come to the second process, or none does any more."""
        clients: list[PollingClient] = []
        while True:
            clients += await at_once(*(deferToThread(PollingClient, way, token) for _ in range(8)))
            if (street.b in map(street.process, (client.sid for client in clients[-8:]))) is some_at_b:
                return clients

    clients = await arrive(some_at_b=True)
    street.b.health.draining = True
    try:
        clients += await arrive(some_at_b=False)
        await at_once(*(deferToThread(client.post, '421["echo","hi"]') for client in clients))
        await at_once(*(deferToThread(client.until, r'431\[.*"received":"hi"') for client in clients))
    finally:
        street.b.health.draining = False
    clients += await arrive(some_at_b=True)
    await at_once(*(deferToThread(client.leave) for client in clients))


@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith(("nginx", "haproxy"))])
@pytest_twisted.ensureDeferred
async def test_whom_one_that_stops_refuses_the_other_takes(street: Street, name: str) -> None:
    """Who was sent away comes back at once, over connections that the proxy has kept: he is to find what he had.

    So it is where the other stops next, as machines are restarted one after the other.
    """
    token = await street.acquire()

    def arrive(way: Way, taking: Process) -> None:
        for _ in range(4):
            with way.websocket("/socket.io/?EIO=4&transport=websocket") as websocket:
                assert street.process(json.loads(websocket.text()[1:])["sid"]) is taking
            client = PollingClient(way, token)
            assert street.process(client.sid) is taking
            client.leave()
            with way.websocket(f"/ws?token={token}") as native:
                assert json.loads(native.text())["event"] == "connected"

    for stopping, taking in ((street.b, street.a), (street.a, street.b)):
        stopping.socketio.engine.draining = stopping.native.draining = True
        try:
            await at_once(*(deferToThread(arrive, way, taking) for way in street.ways(name)))
        finally:
            stopping.socketio.engine.draining = stopping.native.draining = False


@every_proxy
@pytest_twisted.ensureDeferred
async def test_who_breaks_off_a_request_keeps_nobody_else_out(street: Street, name: str) -> None:
    way = street.way(name, "http", API)

    def break_off() -> None:
        with way.proxy.connect(way.scheme, way.host) as client:
            client.sendall(f"POST /api/ai/chat HTTP/1.1\r\nHost: {way.host}\r\nContent-Length: 9\r\n\r\n{{".encode())
            client.shutdown(socket.SHUT_WR)
            client.recv(1)

    await at_once(*(deferToThread(break_off) for _ in range(8)))
    for _ in range(4):
        response, _ = await deferToThread(way.ask, "GET", "/health")
        assert response.status == 200


# -- what a break-in would get -------------------------------------------------------------------------------


@pytest.mark.needs("root")
@pytest_twisted.ensureDeferred
async def test_haproxy_is_not_root_and_sees_no_files(street: Street) -> None:
    process = Path(f"/proc/{street.proxies['haproxy'].pid}")
    assert process.owner() == "haproxy"
    assert (process / "root").readlink() == Path("/var/lib/haproxy")
