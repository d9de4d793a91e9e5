"""Rooms of all processes of a machine are one, and a lost client is recovered at any of them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.support.attacks import Wire
from tests.support.node import Program, running
from tests.support.services import Service, acquire, free_port, started

pytestmark = pytest.mark.needs("node")

LINKED = "yektayar_linked_processes 1.0"


@attrs.frozen
class Machine:
    """Both services over one database. ``control``: the socket of the API service's."""

    api: Service
    ws: Service
    control: Path

    def url(self, service: Service) -> str:
        return f"http://127.0.0.1:{service.port}"

    def emit(self, room: str, event: str, data: Any) -> None:
        """As an operator does."""
        with socket.socket(socket.AF_UNIX) as operator:
            operator.connect(str(self.control))
            command = {"command": "emit", "room": room, "event": event, "data": data}
            operator.sendall(json.dumps(command).encode() + b"\n")
            assert json.loads(operator.recv(4096))["ok"] is True


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    shared = {"DATABASE_URL": f"sqlite:///{folder}/shared.db", "DRAIN_SECONDS": "0"}
    ports = [free_port(), free_port()]
    control = folder / "control"
    with ExitStack() as stack:
        api, ws = (
            stack.enter_context(
                started(name, folder=folder, settings={**shared, **own, "METRICS_LISTEN": f"tcp:{port}"})
            )
            for name, own, port in zip(
                ("yektayar-api", "yektayar-ws"), ({"CONTROL_SOCKET": str(control)}, {}), ports, strict=True
            )
        )
        for port in ports:
            while LINKED not in metrics(port):
                pass
        yield Machine(api, ws, control)
        for service in (api, ws):
            assert service.stop() == 0
            assert "Traceback" not in service.text, service.text
            assert "secret" not in service.text


def metrics(port: int) -> str:
    with Wire(port) as wire:
        return wire.request("GET", "/metrics").body.decode()


def event(client: Program) -> list[Any]:
    told = client.hear()
    return [told["event"], told["data"]]


def test_what_is_sent_at_one_reaches_clients_of_the_other_and_finds_those_that_were_lost(tmp_path: Path) -> None:
    with machine(tmp_path) as here, ExitStack() as stack:
        token = acquire(here.api.port)
        first, second = (
            stack.enter_context(running("elsewhere.mjs", here.url(service), token)) for service in (here.api, here.ws)
        )
        room = None
        for client in (first, second):
            connected, welcome = client.hear(), event(client)
            assert (connected["recovered"], welcome[0]) == (False, "connected")
            client.tell("status")
            told = event(client)
            assert told[0] == "status_response"
            (room,) = told[1]["connection"]["rooms"]
        assert room is not None
        here.emit(room, "news", "secret")
        assert [event(client) for client in (first, second)] == [["news", "secret"]] * 2
        sid = connected["id"]
        second.tell("cut")
        assert second.hear() == {"lost": "transport close"}
        here.emit(room, "news", "secret, missed")
        assert event(first) == ["news", "secret, missed"]
        second.tell(here.url(here.api))
        # Its order: it is there, has what it missed, and is welcomed by the application.
        assert second.hear() == {"recovered": True, "id": sid}
        assert event(second) == ["news", "secret, missed"]
        assert event(second)[0] == "connected"
        here.emit(room, "news", "secret, then")
        assert [event(client) for client in (first, second)] == [["news", "secret, then"]] * 2


def test_a_service_that_stops_stays_until_its_clients_are_back_elsewhere(tmp_path: Path) -> None:
    with machine(tmp_path) as here, running("elsewhere.mjs", here.url(here.ws), acquire(here.api.port)) as client:
        connected = client.hear()
        assert event(client)[0] == "connected"
        here.ws.process.terminate()
        assert client.hear() == {"lost": "transport close"}
        client.tell(here.url(here.api))
        assert client.hear() == {"recovered": True, "id": connected["id"]}
        assert here.ws.wait() == 0
