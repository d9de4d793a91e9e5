"""One service in one and in two worker processes, which share its listening socket."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.children import free_port, started
from benchmarks.comparison import progress
from benchmarks.generator import CORES, load, pinned
from benchmarks.processor import spent
from benchmarks.servers import settings, twist
from benchmarks.table import rst

_FLIGHTS = (1, 16)


def run(folder: Path, tokens: Path, reactor: str, rounds: int, seconds: float) -> str:
    """Measure and tell. Raises `LoadError`; `RuntimeError` where the service does not start so."""
    cases = [(workers, flight) for workers in (1, 2) for flight in _FLIGHTS]
    rates: dict[tuple[int, int], list[float]] = {case: [] for case in cases}
    costs: dict[tuple[int, int], list[float]] = {case: [] for case in cases}
    with _service(folder, reactor, 1) as one, _service(folder, reactor, 2) as two:
        for turn in range(rounds):
            for flight in _FLIGHTS:
                for workers, (process, port) in ((1, one), (2, two)):
                    progress(f"round {turn + 1} of {rounds}: {workers} workers, {flight} in flight")
                    bounds = ("--flight", str(flight), "--warmup", "0", "--seconds", str(seconds))
                    before = spent(process)
                    measured = load("echo", "socketio", port, *bounds, tokens=tokens)
                    rates[workers, flight].append(measured.rate)
                    costs[workers, flight].append((spent(process) - before) * 1e6 / measured.count)
    rows = [["Socket.IO echo", "1 worker", "2 workers", "scaling"]]
    for flight in _FLIGHTS:
        single, double = (statistics.median(rates[workers, flight]) for workers in (1, 2))
        rows.append([f"50 × {flight}, /s", f"{single:,.0f}", f"{double:,.0f}", f"{double / single:.2f}"])
        single, double = (statistics.median(costs[workers, flight]) for workers in (1, 2))
        rows.append(["its processor time, µs", f"{single:.1f}", f"{double:.1f}", f"{2 * single / double:.2f}"])
    return f"{rst(rows, range(4))}\n\n{_cores()}"


def _cores() -> str:
    # The generator is pinned to one core; the workers may use all.
    return (
        f"The workers ran on all {len(CORES)} cores, one of which the load generator used as well: with two it bounds\n"
        "the rate. What a message takes of all workers' processors tells how two scale, with a core for each of three."
    )


@contextmanager
def _service(folder: Path, reactor: str, workers: int) -> Iterator[tuple[int, int]]:
    """``twistd yektayar-ws --workers N``, not pinned: its process, and its port."""
    port = free_port()
    options = ("--websocket-port", str(port), "--host", "127.0.0.1", "--workers", str(workers))
    command = pinned(",".join(map(str, CORES)), *twist(reactor), "yektayar-ws", *options)
    # Each worker says so once.
    with started(command, "is ready", times=workers, environment=settings(folder)) as (process, _):
        yield process.pid, port
