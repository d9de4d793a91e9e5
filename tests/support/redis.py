"""A real Redis for one test: in a folder of its own, on a UNIX socket and a port, without a file of what it holds."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from tests.support.services import free_port

PASSWORD = "a secret"


@attrs.define(eq=False)
class Redis:
    """One that runs, unless it was stopped. ``port``: of TCP; with ``tls``, of TLS."""

    folder: Path
    port: int
    options: Sequence[str]
    _process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Of its UNIX socket, and of one of its databases."""
        return f"unix://:{PASSWORD.replace(' ', '%20')}@{self.folder}/redis.sock?db=3"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            [
                *("redis-server", "--unixsocket", str(self.folder / "redis.sock"), "--dir", str(self.folder)),
                *("--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "-::1", "--port", str(self.port)),
                *("--requirepass", PASSWORD, *self.options),
            ],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            # In the words of Redis 7.0, and of later ones.
            if line.rstrip().endswith(("redis.sock", "connections unix")):
                return
        raise AssertionError("".join(said))

    def do(self, *command: str) -> str:
        """The first line of its reply to ``command``."""
        with socket.socket(socket.AF_UNIX) as operator:
            operator.connect(str(self.folder / "redis.sock"))
            for each in (("AUTH", PASSWORD), command):
                parts = [f"${len(part.encode())}\r\n{part}\r\n" for part in each]
                operator.sendall("".join([f"*{len(each)}\r\n", *parts]).encode())
            with operator.makefile() as replies:
                assert replies.readline() == "+OK\n"
                return replies.readline().strip()

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@contextmanager
def redis(folder: Path, *options: str) -> Iterator[Redis]:
    """One that runs, in ``folder``."""
    server = Redis(folder, free_port(), options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
