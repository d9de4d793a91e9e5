"""What the benchmarks start: a provider and a gateway, each a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import treq
from twisted.internet import reactor
from twisted.web.client import HTTPConnectionPool

PORT = 39_300


@contextmanager
def processes(folder: str, chunks: int, interval: float) -> Iterator[tuple[str, int]]:
    """A provider (`provider.py`) and a gateway in front of it: the provider's URL, and the gateway's process id."""
    provider = _start("-m", "benchmarks.provider", str(chunks), str(interval))
    url = f"http://127.0.0.1:{_read(provider, '')}/v1"
    settings = {"AI_BASE_URL": url, "AI_MAX_ANSWERS": "1000", "DATABASE_URL": f"sqlite:///{folder}/db"}
    options = ["yektayar-api", "--port", str(PORT), "--host", "127.0.0.1"]
    gateway = _start("-m", "twisted", *options, environment=settings)
    try:
        _read(gateway, "is ready")
        yield url, gateway.pid
    finally:
        for process in (gateway, provider):
            process.terminate()
            process.wait()


async def token() -> str:
    """The token of a new session."""
    pool = HTTPConnectionPool(reactor, persistent=False)
    response = await treq.post(f"http://127.0.0.1:{PORT}/api/auth/acquire-session", pool=pool)
    acquired: str = (await response.json())["data"]["token"]
    return acquired


def _start(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
    )


def _read(process: subprocess.Popen[str], awaited: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if awaited in line:
            # What it goes on to say must not fill the pipe, and stop it.
            Thread(target=process.stdout.read, daemon=True).start()
            return line.strip()
    raise RuntimeError(f"{process.args} ended early")
