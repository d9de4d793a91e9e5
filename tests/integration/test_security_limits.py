"""Every limit that protects us has a setting, and holds where it is set."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.attacks import Over, Wire, frame, head, opening
from tests.support.services import Service, acquire, started
from tests.support.siege import PATIENCE
from tests.support.strangers import SEPARATOR, EngineIO, Native, Poller, SocketIO
from yekta.services.config import SETTINGS

# What a limit protects, and the settings that set it.
LIMITS = {
    "the size of declared and chunked bodies, frames and messages": ("MAX_PAYLOAD",),
    "fragments of a message": ("MAX_FRAGMENTS",),
    "attachments of a packet": ("MAX_ATTACHMENTS",),
    "the time of an unfinished packet": ("PACKET_TIMEOUT",),
    "namespaces of a client": ("MAX_NAMESPACES",),
    "what waits for a client that does not read, on WebSocket and polling": ("MAX_QUEUED",),
    "the time of one who neither reads nor answers": ("PING_INTERVAL", "PING_TIMEOUT", "CLOSE_TIMEOUT"),
    "the time without a namespace": ("CONNECT_TIMEOUT",),
    "the time of an upgrade": ("UPGRADE_TIMEOUT",),
    "the time of a request's head and body": ("REQUEST_TIMEOUT",),
    "connections, and those of an address": ("MAX_CONNECTIONS", "MAX_CONNECTIONS_PER_ADDRESS"),
    "the AI's time": ("AI_CONNECT_TIMEOUT", "AI_FIRST_BYTE_TIMEOUT", "AI_IDLE_TIMEOUT", "AI_TOTAL_TIMEOUT"),
    "the length of an answer, and of a line of it": ("AI_MAX_CHARACTERS", "AI_MAX_LINE"),
    "the length of a namespace": ("MAX_NAMESPACE_LENGTH",),
    "answers at a time, of all and of one": ("AI_MAX_ANSWERS", "AI_MAX_PER_SESSION"),
    "pages that may connect": ("CORS_ORIGIN",),
    "what is unpacked": ("DEFLATE_THRESHOLD", "MAX_PAYLOAD"),
}
TIGHT = {
    "MAX_PAYLOAD": "1000",
    "MAX_FRAGMENTS": "4",
    "MAX_ATTACHMENTS": "2",
    "MAX_NAMESPACES": "2",
    "MAX_QUEUED": "2000",
    "MAX_CONNECTIONS": "30",
    "CORS_ORIGIN": "https://app.example",
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_has_a_setting_that_is_on_by_default(limit: str) -> None:
    defaults = {setting.name: setting.default for setting in SETTINGS}
    for name in LIMITS[limit]:
        assert defaults[name]
        # Of the address's connections a proxy's neighbours know more; compression is better left off.
        assert defaults[name] != "0" or name in ("MAX_CONNECTIONS_PER_ADDRESS", "DEFLATE_THRESHOLD")


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("tight")
    settings = {**TIGHT, "DATABASE_URL": f"sqlite:///{folder}/db", "PORT": "0"}
    with started("yektayar-api", folder=folder, settings=settings) as service:
        yield service


def test_a_smaller_payload_is_the_limit_of_bodies_frames_and_messages(tight: Service) -> None:
    token = acquire(tight.port)
    with Wire(tight.port) as wire:
        assert wire.request("POST", "/api/auth/login", "", "x" * 1001).status == 413
    with Poller(tight.port) as poller:
        assert poller.handshake["maxPayload"] == 1000
        with Wire(tight.port) as wire:
            assert wire.request("POST", poller.target, "", "4" * 1001).status == 413
        assert poller.post("1") == 200
    for kind in (Native, SocketIO):
        with kind(tight.port, token) as stranger:
            stranger.send(frame(b"4" * 1001))
            assert stranger.end() == 1009


def test_a_smaller_number_of_fragments_is_the_limit(tight: Service) -> None:
    with EngineIO(tight.port) as stranger:
        stranger.send(frame(b"4", fin=False) + frame(b"2", 0, fin=False) * 2 + frame(b"[", 0, fin=False))
        stranger.send(frame(b"]", 0))
        assert stranger.end() == 1008


def test_a_smaller_number_of_attachments_is_the_limit(tight: Service) -> None:
    with SocketIO(tight.port, acquire(tight.port)) as stranger:
        stranger.send_text('453-["echo",{"_placeholder":true,"num":0}]')
        assert stranger.end() == 1000


def test_a_smaller_number_of_namespaces_is_the_limit(tight: Service) -> None:
    token = acquire(tight.port)
    with SocketIO(tight.port, token) as stranger:
        for namespace in ("/ws", "/socket.io"):
            stranger.send_text(f'40{namespace},{{"token":"{token}"}}')
        packets = [stranger.packet() for _ in range(3)]
    assert packets[0].startswith('40/ws,{"sid"')
    assert '44/socket.io,{"message":"Invalid namespace"}' in packets


def test_a_smaller_queue_is_the_limit_of_one_who_does_not_poll(tight: Service) -> None:
    token = acquire(tight.port)
    with Poller(tight.port) as poller:
        poller.post(f'40{{"token":"{token}"}}')
        statuses = [poller.post(SEPARATOR.join(['42["ping"]'] * 20)) for _ in range(8)]
    assert statuses[0] == 200
    assert statuses[-1] == 400


def test_a_smaller_number_of_connections_is_the_limit_and_those_who_are_in_stay(tight: Service) -> None:
    with Native(tight.port, acquire(tight.port)) as stranger:
        wires = [Wire(tight.port, timeout=PATIENCE) for _ in range(40)]
        answers = []
        for wire in wires:
            wire.send(head("GET", "/health/live"))
            with suppress(Over):
                answers.append(wire.response().status)
        stranger.say("echo", "1")
        assert stranger.hear()[0] == "echo_response"
        for wire in wires:
            wire.close()
    assert 20 <= len(answers) < 30
    assert set(answers) == {200}
    with Wire(tight.port) as wire:
        assert wire.request("GET", "/health/live").status == 200


@pytest.mark.parametrize(("origin", "status"), [("https://app.example", 101), ("http://localhost:5173", 403)])
def test_other_origins_are_the_limit(tight: Service, origin: str, status: int) -> None:
    with Wire(tight.port) as wire:
        wire.send(opening("/socket.io/?EIO=4&transport=websocket", f"Origin: {origin}"))
        assert wire.response().status == status


@pytest.mark.parametrize("name", ["yektayar-api", "yektayar-ws"])
def test_clients_that_neither_read_nor_answer_do_not_keep_a_service_from_stopping(name: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/db", "CLOSE_TIMEOUT": "0.2", "PORT": "0", "WEBSOCKET_PORT": "0"}
    with started(name, folder=tmp_path, settings=settings) as service:
        strangers: list[Wire] = [Poller(service.port).wire, EngineIO(service.port), Wire(service.port)]
        half = Wire(service.port)
        half.send(head("POST", "/", "", "x" * 1000)[:-1])
        unread = Wire(service.port, receive_buffer=4096)
        unread.socket.settimeout(0.2)
        with suppress(socket.timeout):
            unread.socket.sendall(head("GET", "/") * 1_000_000)
        assert service.stop() == 0
        assert "Traceback" not in service.text
        for wire in (*strangers, half, unread):
            wire.close()
