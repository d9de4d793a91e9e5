"""What the gateway adds to an answer: 100 at a time through it, and from the provider alone, interleaved in one run.

The provider, the gateway and the clients are three processes. The clients are the same code but for the way they ask.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from threading import Thread
from typing import Any

import treq
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.task import react
from twisted.web.client import HTTPConnectionPool

from yekta.ai.chat import ChatProvider, ChatSettings
from yekta.ai.http import HostEndpoints, make_agent, make_pool
from yekta.ai.provider import Message

reactor: Any = _reactor

ANSWERS, CHUNKS, INTERVAL, ROUNDS = 100, 100, 0.02, 3

# When the first chunk came and when the last, in seconds after the question.
Times = tuple[float, float]


async def directly(url: str) -> Times:
    """Ask the provider."""
    begun, times = time.perf_counter(), []
    agent = make_agent(reactor, make_pool(reactor), HostEndpoints(reactor))
    provider = ChatProvider("provider", ChatSettings(url, "any"), agent, reactor)
    await provider.generate([Message("user", "?")], lambda _: times.append(time.perf_counter())).done
    return times[0] - begun, times[-1] - begun


class Asking(WebSocketClientProtocol):  # type: ignore[misc]
    """Asks as soon as it is let in."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        event = json.loads(payload)["event"]
        if event == "connected":
            self.begun, self.times = time.perf_counter(), []
            self.sendMessage(b'{"event":"ai:chat","data":{"message":"?","locale":"en"}}')
        elif event == "ai:response:chunk":
            self.times.append(time.perf_counter())
        elif event == "ai:response:complete":
            self.factory.done.callback((self.times[0] - self.begun, self.times[-1] - self.begun))
            self.sendClose()
        elif event == "ai:response:error":
            self.factory.done.errback(RuntimeError(payload.decode()))


async def through_the_gateway(port: int, token: str) -> Times:
    """Ask the gateway, over native WebSocket."""
    factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}/ws?token={token}", reactor=reactor)
    factory.protocol = Asking
    factory.done = Deferred()
    reactor.connectTCP("127.0.0.1", port, factory)
    times: Times = await factory.done
    return times


async def measured(ask: Callable[[], Coroutine[Any, Any, Times]]) -> tuple[list[float], float]:
    """Times to the first chunk, and chunks per second, of all answers at once."""
    begun = time.perf_counter()
    times = await gatherResults([ensureDeferred(ask()) for _ in range(ANSWERS)])
    return [first for first, _ in times], ANSWERS * CHUNKS / (time.perf_counter() - begun)


async def run(clock: Any) -> None:
    """Start what is measured, measure, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        provider = _start("-m", "benchmarks.provider", str(CHUNKS), str(INTERVAL))
        url = f"http://127.0.0.1:{_read(provider, '')}/v1"
        settings = {"AI_BASE_URL": url, "AI_MAX_ANSWERS": "1000", "DATABASE_URL": f"sqlite:///{folder}/db"}
        options = ["yektayar-api", "--port", str(_PORT), "--host", "127.0.0.1"]
        gateway = _start("-m", "twisted", *options, environment=settings)
        _read(gateway, "is ready")
        try:
            await _compare(url)
        finally:
            gateway.terminate()
            provider.terminate()


async def _compare(url: str) -> None:
    tokens = [await _token() for _ in range(ANSWERS)]
    alone: list[tuple[list[float], float]] = []
    through: list[tuple[list[float], float]] = []
    for _ in range(ROUNDS):
        alone.append(await measured(lambda: directly(url)))
        waiting = iter(tokens)
        through.append(await measured(lambda: through_the_gateway(_PORT, next(waiting))))  # noqa: B023
    print(f"{ANSWERS} answers at a time, {CHUNKS} chunks each, one every {INTERVAL * 1000:g} ms; {ROUNDS} rounds")
    rows = {"provider alone": alone, "through the gateway": through}
    shown = {name: _summary(measurements) for name, measurements in rows.items()}
    print(f"{'':20}{'first chunk, median':>22}{'p95':>10}{'chunks/s':>12}")
    for name, (median, worst, rate) in shown.items():
        print(f"{name:20}{median * 1000:>19.1f} ms{worst * 1000:>7.1f} ms{rate:>12.0f}")
    (before, _, rate_before), (after, _, rate_after) = shown.values()
    print(f"the gateway adds {(after - before) * 1000:.1f} ms to the first chunk; "
          f"throughput {100 * (rate_after / rate_before - 1):+.1f} %")


def _summary(measurements: list[tuple[list[float], float]]) -> tuple[float, float, float]:
    firsts = sorted(first for times, _ in measurements for first in times)
    rate = statistics.median(rate for _, rate in measurements)
    return statistics.median(firsts), firsts[int(len(firsts) * 0.95)], rate


async def _token() -> str:
    pool = HTTPConnectionPool(reactor, persistent=False)
    response = await treq.post(f"http://127.0.0.1:{_PORT}/api/auth/acquire-session", pool=pool)
    token: str = (await response.json())["data"]["token"]
    return token


_PORT = 39_300


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


def main() -> None:
    react(lambda clock: ensureDeferred(run(clock)))


if __name__ == "__main__":
    main()
