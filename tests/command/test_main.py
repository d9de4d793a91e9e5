"""How signals end the command, whatever it does."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.services import PATIENCE, environment

YEKTA = str(Path(sys.executable).with_name("yekta"))
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"


@contextmanager
def begun(*command: str, stdout: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    """A command that runs, and is killed at the end should it still."""
    pipe = subprocess.PIPE
    environ = environment({"YEKTA_TOKEN": "x" * 43})
    with subprocess.Popen(command, env=environ, stdin=pipe, stdout=stdout, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        yield listener


def test_control_c_ends_it_before_it_has_begun() -> None:
    with begun(sys.executable, "-X", "importtime", YEKTA, "token") as starting:
        assert starting.stderr is not None
        assert any("twisted" in line for line in starting.stderr)
        starting.send_signal(signal.SIGINT)
        assert starting.wait(PATIENCE) == 130
        assert all(line.startswith("import time:") for line in starting.stderr)


# To who asks for a WebSocket, a head of HTTP is an answer.
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        *((arguments, said) for arguments in ("token --url {}", "check {}") for said in (b"", HEAD)),
        *((arguments, b"") for arguments in ("listen --url {}", "send x --url {}", "chat --url {}")),
    ],
)
def test_control_c_ends_it_while_a_server_says_nothing(listener: socket.socket, arguments: str, said: bytes) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with begun(YEKTA, *arguments.replace("{}", url).split()) as waiting:
        assert waiting.stdin is not None
        waiting.stdin.write("Hello\n")
        waiting.stdin.flush()
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(PATIENCE)
            assert connection.recv(1)
            connection.sendall(said)
            waiting.send_signal(signal.SIGINT)
            assert waiting.wait(PATIENCE) == 130
            assert waiting.communicate() == ("", "")


@pytest.mark.parametrize("command", ["listen", "chat"])
def test_one_that_is_killed_does_not_look_as_if_it_had_ended_well(listener: socket.socket, command: str) -> None:
    with begun(YEKTA, command, "--url", f"http://127.0.0.1:{listener.getsockname()[1]}") as waiting:
        assert waiting.stdin is not None
        waiting.stdin.write("Hello\n")
        waiting.stdin.flush()
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(1)
            waiting.terminate()
            assert waiting.wait(PATIENCE) == -signal.SIGTERM
