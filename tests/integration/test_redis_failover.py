"""Servers of several machines as one, whose Redis ends, and whose name then leads to another one."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.test_redis import emit, ready
from tests.support.node import Program, running
from tests.support.redis import PASSWORD, redis
from tests.support.relay import Relay
from tests.support.services import PATIENCE, Service, acquire, started
from yekta.redis.stream import STREAM

pytestmark = [pytest.mark.needs("redis-server"), pytest.mark.needs("node")]


class Listener:
    """A client in a room of its own, and the numbers that it has heard, which a ``control`` of a server says."""

    def __init__(self, client: Program, control: Path) -> None:
        self.heard: list[int] = []
        self.id = client.hear()["id"]
        self._client = client
        self._control = control
        self._said = 0
        assert client.hear()["event"] == "connected"
        client.tell("status")
        (self._room,) = client.hear()["data"]["connection"]["rooms"]

    def say(self) -> int:
        self._said += 1
        emit(self._control, self._room, str(self._said))
        return self._said

    def hears(self) -> None:
        """Say more and more, until it hears the newest. It has the same connection all the time."""
        end = time.monotonic() + PATIENCE
        while self.say() not in self._all_heard():
            assert time.monotonic() < end

    def _all_heard(self) -> list[int]:
        self._client.tell("status")
        while (told := self._client.hear())["event"] != "status_response":
            self.heard.append(int(told["event"]))
        return self.heard

    def moves(self, url: str) -> None:
        """It is lost, and comes to the server at ``url``."""
        self._client.tell("cut")
        assert self._client.hear() == {"lost": "transport close"}
        missed = self.say()
        self._client.tell(url)
        assert self._client.hear() == {"recovered": True, "id": self.id}
        assert self._client.hear()["event"] == str(missed)
        assert self._client.hear()["event"] == "connected"


@pytest.mark.parametrize("kind", ["empty", "replica"])
def test_all_go_on_over_another_one(tmp_path: Path, kind: str) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    controls = [tmp_path / name for name in "ab"]
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/shared.db", "DRAIN_SECONDS": "0", "LINK_FOLDER": "off"}
    for folder in folders:
        folder.mkdir()
    with ExitStack() as stack:
        first, second = (stack.enter_context(redis(folder, "--masterauth", PASSWORD)) for folder in folders)
        if kind == "replica":
            assert second.do("REPLICAOF", "127.0.0.1", str(first.port)) == "+OK"
        way = stack.enter_context(Relay(first.port))
        settings["REDIS_URL"] = f"redis://:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{way.port}"
        services = [
            stack.enter_context(
                started("yektayar-api", folder=tmp_path, settings={**settings, "CONTROL_SOCKET": str(control)})
            )
            for control in controls
        ]
        are_up(services)
        urls = [f"http://127.0.0.1:{service.port}" for service in services]
        # Each hears what the other's server says.
        listener, other = (
            Listener(stack.enter_context(running("elsewhere.mjs", url, acquire(service.port))), control)
            for url, service, control in zip(urls, services, reversed(controls), strict=True)
        )
        listener.hears()
        other.hears()
        if kind == "replica":
            while second.do("XLEN", STREAM.decode()) != first.do("XLEN", STREAM.decode()):
                pass
            assert second.do("REPLICAOF", "NO", "ONE") == "+OK"
        way.target = second.port
        first.stop()
        listener.hears()
        other.hears()
        are_up(services)
        listener.moves(urls[1])
        for each in (listener, other):
            assert each.heard == sorted(set(each.heard))
        assert [service.stop() for service in services] == [0, 0]
    for service in services:
        assert "Traceback" not in service.text, service.text
        assert PASSWORD not in service.text


def are_up(services: list[Service]) -> None:
    for service in services:
        while ready(service)["redis"] != "up":
            pass
