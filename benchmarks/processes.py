"""What the benchmarks start: a provider and a gateway, each a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import treq
from twisted.internet import reactor
from twisted.web.client import HTTPConnectionPool

from benchmarks.children import started

PORT = 39_300


@contextmanager
def processes(folder: str, chunks: int, interval: float) -> Iterator[tuple[str, int]]:
    """A provider (`provider.py`) and a gateway in front of it: the provider's URL, and the gateway's process id."""
    provider = (sys.executable, "-m", "benchmarks.provider", str(chunks), str(interval))
    service = (sys.executable, "-m", "twisted", "yektayar-api", "--port", str(PORT), "--host", "127.0.0.1")
    with started(provider, "") as (_, port):
        url = f"http://127.0.0.1:{port}/v1"
        settings = {"AI_BASE_URL": url, "AI_MAX_ANSWERS": "1000", "DATABASE_URL": f"sqlite:///{folder}/db"}
        with started(service, "is ready", environment=settings) as (gateway, _):
            yield url, gateway.pid


async def token() -> str:
    """The token of a new session."""
    pool = HTTPConnectionPool(reactor, persistent=False)
    response = await treq.post(f"http://127.0.0.1:{PORT}/api/auth/acquire-session", pool=pool)
    acquired: str = (await response.json())["data"]["token"]
    return acquired
