"""The load generator, as `make bench` builds it, against the product as it is measured: every scene, briefly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from benchmarks import comparison, generator, rows, servers

pytestmark = pytest.mark.needs("cc", "make", "taskset")

BRIEFLY = ("--warmup", "0", "--limit", "20")
SCENES = {
    "echo": ("--clients", "5", "--flight", "3", "--size", "70000", "--messages", "60"),
    "broadcast": ("--clients", "5", "--flight", "2", "--messages", "100"),
    "streams": ("--clients", "2", "--chunks", "50", "--messages", "300"),
    "connect": ("--clients", "3", "--messages", "12"),
}

# The answer to the key of RFC 6455, 1.3.
UPGRADED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


@attrs.frozen
class Stage:
    gateway: servers.Running
    tokens: Path


def text(payload: bytes) -> bytes:
    """A text frame."""
    return bytes((0x81, len(payload))) + payload


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """The port of a server that lets one client in, says ``answer`` to what it sends, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_answer, args=(listening, answer))
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def _answer(listening: socket.socket, answer: bytes) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(UPGRADED + text(b'{"event": "connected", "data": {}}'))
        connection.recv(4096)
        connection.sendall(answer)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    generator.build()
    folder = tmp_path_factory.mktemp("benchmark")
    product = servers.product(folder, "")
    # Who polls is not seen to go, and would be waited for.
    product = attrs.evolve(product, environment={**product.environment, "CLOSE_TIMEOUT": "0.1"})
    with servers.running(product) as gateway:
        yield Stage(gateway, servers.acquire(gateway, folder, 3))


@pytest.mark.parametrize("protocol", ["socketio", "polling", "native"])
@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_by_every_protocol(stage: Stage, scene: str, protocol: str) -> None:
    arguments = (*SCENES[scene], *BRIEFLY)
    measured = generator.load(scene, protocol, stage.gateway.port, *arguments, tokens=stage.tokens)
    assert measured.count >= int(arguments[arguments.index("--messages") + 1])
    assert measured.rate > 0
    assert 0 <= measured.p50 <= measured.p99


def test_requests(stage: Stage) -> None:
    measured = generator.load(
        "http", "http", stage.gateway.port, *rows.ACQUIRE, "--clients", "3", "--messages", "20", *BRIEFLY
    )
    assert measured.count >= 20


@pytest.mark.parametrize("protocol", ["native", "socketio"])
def test_idle_connections_cost_memory(stage: Stage, protocol: str) -> None:
    # Many more than those before them, then as many that take more: they are given the memory of who has left.
    assert comparison.idle(protocol, stage.gateway, 3000, stage.tokens) > 0


@pytest.mark.parametrize(
    ("protocol", "sentence"), [("socketio", "Authentication token required"), ("native", "401 Unauthorized")]
)
def test_a_refusal_ends_the_run(stage: Stage, protocol: str, sentence: str) -> None:
    with pytest.raises(generator.LoadError, match=sentence):
        generator.load("echo", protocol, stage.gateway.port, *BRIEFLY)


@pytest.mark.parametrize(
    ("path", "sentence"), [("/api/auth/acquire-session", "not the expected answer"), ("/nowhere", "404 Not Found")]
)
def test_an_answer_that_is_not_expected_ends_the_run(stage: Stage, path: str, sentence: str) -> None:
    with pytest.raises(generator.LoadError, match=sentence):
        generator.load("http", "http", stage.gateway.port, "--path", path, "--expect", "nonsense", *BRIEFLY)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (text(b'{"event": "pong", "data": {}}'), "not an echo"),
        (text(b'{"event": "echo_response", "data": {"received": {"message": "c000001-"}}}'), "another's echo"),
        (text(b'{"event": "echo_response", "data": {"received": {"message": "c000000-00000000"}}}'), "timestamp"),
        (text(b'{"data": 1}'), "not an event"),
        (b"\x01\x01{", "a frame that was not asked for"),
        (b"\x82\x01{", "an unexpected frame"),
        (b"\x88\x00", "the server closed a connection"),
        (b"", "the server closed a connection"),
    ],
)
def test_a_wrong_echo_ends_the_run(answer: bytes, sentence: str) -> None:
    with answering(answer) as port, pytest.raises(generator.LoadError, match=sentence):
        generator.load("echo", "native", port, "--clients", "1", *BRIEFLY)


def test_a_run_that_takes_too_long_fails(stage: Stage) -> None:
    with pytest.raises(generator.LoadError, match="too long"):
        generator.load("echo", "socketio", stage.gateway.port, "--seconds", "60", "--limit", "0.2", tokens=stage.tokens)
