"""One service in one and in two worker processes, which share its listening socket."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.children import free_port, started
from benchmarks.comparison import progress
from benchmarks.generator import CORES, load, pinned
from benchmarks.servers import settings, twist
from benchmarks.table import rst

_FLIGHTS = (1, 16)


def run(folder: Path, tokens: Path, reactor: str, rounds: int, seconds: float) -> str:
    """Measure and tell. Raises `LoadError`; `RuntimeError` where the service does not start so."""
    rates: dict[tuple[int, int], list[float]] = {(workers, flight): [] for workers in (1, 2) for flight in _FLIGHTS}
    with _service(folder, reactor, 1) as one, _service(folder, reactor, 2) as two:
        for turn in range(rounds):
            for flight in _FLIGHTS:
                for workers, port in ((1, one), (2, two)):
                    progress(f"round {turn + 1} of {rounds}: {workers} workers, {flight} in flight")
                    bounds = ("--flight", str(flight), "--seconds", str(seconds))
                    rates[workers, flight].append(load("echo", "socketio", port, *bounds, tokens=tokens).rate)
    rows = [["Socket.IO echo, /s", "1 worker", "2 workers", "scaling"]]
    for flight in _FLIGHTS:
        single, double = (statistics.median(rates[workers, flight]) for workers in (1, 2))
        rows.append([f"50 × {flight}", f"{single:,.0f}", f"{double:,.0f}", f"{double / single:.2f}"])
    return f"{rst(rows, range(4))}\n\n{_cores()}"


def _cores() -> str:
    # The generator is pinned to one core; the workers may use all.
    if len(CORES) > 2:
        return f"The workers ran on all {len(CORES)} cores, one of which the load generator used as well."
    return (
        "On this machine's two cores the second worker shares one with the load generator, "
        "which bounds what two can show: a machine with a core for each shows more."
    )


@contextmanager
def _service(folder: Path, reactor: str, workers: int) -> Iterator[int]:
    """``twistd yektayar-ws --workers N``, not pinned; its port."""
    port = free_port()
    options = ("--websocket-port", str(port), "--host", "127.0.0.1", "--workers", str(workers))
    command = pinned(",".join(map(str, CORES)), *twist(reactor), "yektayar-ws", *options)
    # Each worker says so once.
    with started(command, "is ready", times=workers, environment=settings(folder)):
        yield port
