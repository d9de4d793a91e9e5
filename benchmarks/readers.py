"""What 1,000 clients cost that ask for long answers and read nothing: the gateway's memory before and after.

Ten clients of each of 100 sessions follow one answer. The system's buffers hold the first of it; then they are full.
"""

from __future__ import annotations

import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater, react

from benchmarks.processes import PORT, processes, token

reactor: Any = _reactor

READERS, SESSIONS, CHUNKS, INTERVAL = 1000, 100, 2000, 0.01

# Seconds without growth after which there will be no more.
QUIET = 5

# Bytes that a client's system takes for it.
_RECEIVED = 4096

_ASK = b'{"event":"ai:chat","data":{"message":"?","messageId":"m"}}'


def connect(token: str) -> socket.socket:
    """A native client that has been welcomed."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED)
    client.connect(("127.0.0.1", PORT))
    client.sendall(
        f"GET /ws?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    heard = b""
    while b'"connected"' not in heard:
        heard += client.recv(1024)
    return client


def memory(pid: int) -> int:
    """Bytes of a process that are in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


async def settled(pid: int) -> int:
    """The most that a process takes until it grows no longer."""
    most, quiet = 0, 0
    while quiet < QUIET:
        await deferLater(reactor, 1, lambda: None)
        now = memory(pid)
        quiet = quiet + 1 if now <= most else 0
        most = max(most, now)
    return most


async def run(clock: Any) -> None:
    """Start what is measured, measure, and print."""
    with ExitStack() as leaving:
        folder = leaving.enter_context(tempfile.TemporaryDirectory())
        _, pid = leaving.enter_context(processes(folder, CHUNKS, INTERVAL))
        tokens = [await token() for _ in range(SESSIONS)]
        clients = [leaving.enter_context(connect(tokens[number % SESSIONS])) for number in range(READERS)]
        before = await settled(pid)
        for client in clients:
            client.sendall(bytes((0x81, 0x80 | len(_ASK))) + bytes(4) + _ASK)
        after = await settled(pid)
    print(f"{READERS} connected clients: {before / 1e6:.1f} MB")
    print(f"each following one of {SESSIONS} answers of {CHUNKS} chunks, and reading nothing: {after / 1e6:.1f} MB, "
          f"{(after - before) / READERS / 1024:.1f} KiB each")


def main() -> None:
    react(lambda clock: ensureDeferred(run(clock)))


if __name__ == "__main__":
    main()
