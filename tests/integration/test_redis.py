"""Servers of several machines as one, over a real Redis, with Node's own server among them."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs, formatEvent

from tests.support.attacks import Wire
from tests.support.certificates import certify
from tests.support.far_servers import One, there, until
from tests.support.node import running
from tests.support.redis import PASSWORD, Redis, redis
from tests.support.services import Service, acquire, free_port, started

__all__ = ["there"]

pytestmark = pytest.mark.needs("redis-server")


@pytest_twisted.async_yield_fixture
async def two(there: Redis) -> AsyncIterator[list[One]]:
    servers = [One.begin(there.url) for _ in range(2)]
    for each in servers:
        await each.sees(1)
    yield servers
    for each in servers:
        await each.end()


@pytest_twisted.ensureDeferred
async def test_what_is_said_at_one_is_heard_at_the_other_and_answered(two: list[One]) -> None:
    here, other = two
    here.server.to("r").emit("news", {"text": "سلام 😀\r\n"}, b"\x00\xff\r\n")
    assert await other.heard(1) == [["news", {"text": "سلام 😀\r\n"}, b"\x00\xff\r\n"]]
    other.server.on_server_side("e")(lambda *args: list(args))
    assert await here.server.server_side_emit_with_ack("e", 1, b"\x01") == [[1, b"\x01"]]
    large = "x" * 3_000_000
    here.server.to("r").emit("large", large)
    assert (await other.heard(2))[1] == ["large", large]


@pytest_twisted.ensureDeferred
async def test_when_redis_has_started_again_all_go_on(there: Redis, two: list[One]) -> None:
    here, other = two
    with capturedLogs() as logged:
        before = [each.cluster.progress.breaks for each in two]
        there.stop()
        await until(lambda: not here.wire.is_up and not other.wire.is_up)
        here.server.to("r").emit("a secret")
        there.start()

        # It has forgotten what it held, so that both begin anew: each other goes and comes, and so do strangers.
        for each, count in zip(two, before, strict=True):
            await until(partial(lambda each, count: each.cluster.progress.breaks >= count + 4, each, count))
            await each.sees(1)
        here.server.to("r").emit("then")
        await until(lambda: ["then"] in other.member.told)
    texts = [formatEvent(event) for event in logged]
    complaints = [text for text in texts if text.startswith("Redis (REDIS_URL) cannot be used: ")]
    # By each, of whose two connections either has lost it; how, they may see differently.
    assert max(map(complaints.count, complaints)) <= 2 <= len(complaints)
    assert not any("secret" in text for text in texts)


@pytest_twisted.ensureDeferred
async def test_a_password_that_is_wrong_is_told_of_and_not_repeated(there: Redis) -> None:
    with capturedLogs() as logged:
        one = One.begin(f"redis://user:wrong@127.0.0.1:{there.port}")
        await until(lambda: any("WRONGPASS" in formatEvent(event) for event in logged))
        await one.end()
    assert not any("wrong@" in formatEvent(event) for event in logged)


@pytest_twisted.ensureDeferred
async def test_over_tls_the_certificate_must_be_one_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, port = str(certify(tmp_path, "localhost")), free_port()
    files = [part for name in ("cert", "key", "ca-cert") for part in (f"--tls-{name}-file", pem)]
    with redis(tmp_path, "--tls-port", str(port), "--tls-auth-clients", "no", *files):
        url = f"rediss://:{PASSWORD.replace(' ', '%20')}@localhost:{port}"
        with capturedLogs() as logged:
            one = One.begin(url)
            await until(lambda: any("certificate verify failed" in formatEvent(event) for event in logged))
            await one.end()
        monkeypatch.setenv("SSL_CERT_FILE", pem)
        one = One.begin(url)
        await until(lambda: one.wire.is_up)
        await one.end()


@pytest.mark.needs("node")
@pytest_twisted.ensureDeferred
async def test_node_s_servers_and_ours_are_one(there: Redis, two: list[One]) -> None:
    here, other = two
    with running("redis_node.mjs", str(there.folder / "redis.sock"), PASSWORD, 3) as node:
        hear = partial(deferToThread, node.hear)
        assert await hear() == "ready"
        here.server.to("r").emit("text", {"a": ["سلام"]})
        assert await hear() == ["text", {"a": ["سلام"]}]
        await other.heard(1)
        other.server.emit("bytes", b"\x01\xff")
        assert await hear() == ["bytes", "hex 01ff"]
        for each in two:
            assert await each.heard(2) == [["text", {"a": ["سلام"]}], ["bytes", b"\x01\xff"]]
        node.tell("hello")
        for each in two:
            assert (await each.heard(3))[2:] == [["hello", {"text": "سلام"}, b"\x01\xff"]]
        assert await hear() == ["hello", {"text": "سلام"}, "hex 01ff"]
        node.tell("join")
        await until(lambda: all("joined" in each.server.sockets.adapter.rooms.of(each.member) for each in two))
        here.server.to("joined").emit("to all that joined")
        assert await hear() == ["to all that joined"]


# -- the services --------------------------------------------------------------------------------------------


def emit(control: Path, room: str, event: str) -> None:
    with socket.socket(socket.AF_UNIX) as operator:
        operator.connect(str(control))
        operator.sendall(json.dumps({"command": "emit", "room": room, "event": event}).encode() + b"\n")
        assert json.loads(operator.recv(4096))["ok"] is True


def ready(service: Service) -> dict[str, Any]:
    with Wire(service.port) as wire:
        answer: dict[str, Any] = wire.request("GET", "/health/ready").json()
    assert answer["status"] == "ready"
    return dict(answer["checks"])


@pytest.mark.needs("node")
def test_services_of_several_machines_share_rooms_and_lost_clients(tmp_path: Path, there: Redis) -> None:
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/shared.db", "DRAIN_SECONDS": "0", "LINK_FOLDER": "off"}
    with ExitStack() as stack:
        services = [
            stack.enter_context(
                started(
                    "yektayar-api",
                    folder=tmp_path,
                    settings={**settings, "REDIS_URL": there.url, "CONTROL_SOCKET": str(tmp_path / name)},
                )
            )
            for name in ("a", "b")
        ]
        for service in services:
            while ready(service)["redis"] != "up":
                pass
        urls = [f"http://127.0.0.1:{service.port}" for service in services]
        client = stack.enter_context(running("elsewhere.mjs", urls[0], acquire(services[0].port)))
        connected = client.hear()
        assert client.hear()["event"] == "connected"
        client.tell("status")
        (room,) = client.hear()["data"]["connection"]["rooms"]
        emit(tmp_path / "b", room, "news")
        assert client.hear() == {"event": "news", "data": None}
        client.tell("cut")
        assert client.hear() == {"lost": "transport close"}
        emit(tmp_path / "b", room, "missed")
        client.tell(urls[1])
        assert client.hear() == {"recovered": True, "id": connected["id"]}
        assert client.hear()["event"] == "missed"
        there.stop()
        while ready(services[1])["redis"] != "degraded":
            pass
        # Without it, each serves its own.
        assert client.hear()["event"] == "connected"
        emit(tmp_path / "b", room, "still")
        assert client.hear()["event"] == "still"
        assert [service.stop() for service in services] == [0, 0]
    for service in services:
        assert "Traceback" not in service.text, service.text
        assert PASSWORD not in service.text
