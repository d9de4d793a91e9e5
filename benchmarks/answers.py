"""What the gateway adds to an answer: 100 at a time through it, and from the provider alone, interleaved in one run.

The provider, the gateway and the clients are three processes. The clients are the same code but for the way they ask.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

import treq
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.task import react
from twisted.web.client import HTTPConnectionPool

from benchmarks.processes import free_port, started
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
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        asked = [sys.executable, "-m", "benchmarks.provider", str(CHUNKS), str(INTERVAL)]
        _, provider_port = stack.enter_context(started(asked, ""))
        url = f"http://127.0.0.1:{provider_port}/v1"
        settings = {"AI_BASE_URL": url, "AI_MAX_ANSWERS": "1000", "DATABASE_URL": f"sqlite:///{folder}/db"}
        port = free_port()
        gateway = [sys.executable, "-m", "twisted", "yektayar-api", "--port", str(port), "--host", "127.0.0.1"]
        stack.enter_context(started(gateway, "is ready", environment=settings))
        await _compare(url, port)


async def _compare(url: str, port: int) -> None:
    tokens = [await _token(port) for _ in range(ANSWERS)]
    alone: list[tuple[list[float], float]] = []
    through: list[tuple[list[float], float]] = []
    for _ in range(ROUNDS):
        alone.append(await measured(lambda: directly(url)))
        waiting = iter(tokens)
        through.append(await measured(lambda: through_the_gateway(port, next(waiting))))  # noqa: B023
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


async def _token(port: int) -> str:
    pool = HTTPConnectionPool(reactor, persistent=False)
    response = await treq.post(f"http://127.0.0.1:{port}/api/auth/acquire-session", pool=pool)
    token: str = (await response.json())["data"]["token"]
    return token


def main() -> None:
    react(lambda clock: ensureDeferred(run(clock)))


if __name__ == "__main__":
    main()
