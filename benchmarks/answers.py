"""What the gateway adds to an answer: 100 at a time through it, and from the provider alone, interleaved in one run.

The provider, the gateway and the clients are three processes. The clients are the same code but for the way they ask.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.task import react

from benchmarks.processes import PORT, processes, token
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
    with tempfile.TemporaryDirectory() as folder, processes(folder, CHUNKS, INTERVAL) as (url, _):
        await _compare(url)


async def _compare(url: str) -> None:
    tokens = [await token() for _ in range(ANSWERS)]
    alone: list[tuple[list[float], float]] = []
    through: list[tuple[list[float], float]] = []
    for _ in range(ROUNDS):
        alone.append(await measured(lambda: directly(url)))
        waiting = iter(tokens)
        through.append(await measured(lambda: through_the_gateway(PORT, next(waiting))))  # noqa: B023
    print(f"{ANSWERS} answers at a time, {CHUNKS} chunks each, one every {INTERVAL * 1000:g} ms; {ROUNDS} rounds")
    rows = {"provider alone": alone, "through the gateway": through}
    shown = {name: _summary(measurements) for name, measurements in rows.items()}
    print(f"{'':20}{'first chunk, median':>22}{'p95':>10}{'chunks/s':>12}")
    for name, (median, worst, rate) in shown.items():
        print(f"{name:20}{median * 1000:>19.1f} ms{worst * 1000:>7.1f} ms{rate:>12.0f}")
    (before, _, rate_before), (after, _, rate_after) = shown.values()
    added, slower = (after - before) * 1000, 100 * (after / before - 1)
    print(f"the gateway adds {added:.1f} ms ({slower:+.1f} %) to the first chunk; "
          f"throughput {100 * (rate_after / rate_before - 1):+.1f} %")


def _summary(measurements: list[tuple[list[float], float]]) -> tuple[float, float, float]:
    firsts = sorted(first for times, _ in measurements for first in times)
    rate = statistics.median(rate for _, rate in measurements)
    return statistics.median(firsts), firsts[int(len(firsts) * 0.95)], rate


def main() -> None:
    react(lambda clock: ensureDeferred(run(clock)))


if __name__ == "__main__":
    main()
