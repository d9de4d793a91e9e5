"""Product and peers, interleaved: round after round, row after row, one server after the other."""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import attrs

from benchmarks.children import settled_memory
from benchmarks.generator import LoadError, Measured, holding, load
from benchmarks.rows import IDLE, Row
from benchmarks.servers import Running, Server, running

# Connections that are there before memory is measured: code, threads and their caches come once, not with each.
_FIRST = 1_000

# Seconds for a server to be done with the clients of the run before.
_PAUSE = 0.1

Results = dict[tuple[Row, str], list[Measured]]


@attrs.define(eq=False)
class Comparison:
    """``results`` by row and server's name. ``failures``: what went wrong, in words."""

    tokens: Path
    rounds: int
    seconds: float
    results: Results = attrs.field(factory=lambda: defaultdict(list))
    failures: list[str] = attrs.field(factory=list)

    def run(self, rows: Sequence[Row], servers: Iterable[Server]) -> None:
        """Measure each row on each server that speaks its family."""
        everybody = list(servers)
        for family in dict.fromkeys(row.family for row in rows):
            own = [server for server in everybody if family in server.families]
            self._speeds([row for row in rows if row.family == family and not row.is_memory], own)
            for row in rows:
                if row.family == family and row.is_memory:
                    self._memories(row, own)

    def _speeds(self, rows: list[Row], servers: list[Server]) -> None:
        if not rows:
            return
        with ExitStack() as stack:
            waiting = [each for server in servers for each in self._start(stack, server)]
            for turn in range(self.rounds):
                for row in rows:
                    progress(f"round {turn + 1} of {self.rounds}: {row.family}, {row.title}")
                    for each in waiting:
                        self._measure(row, each)

    def _start(self, stack: ExitStack, server: Server) -> list[Running]:
        try:
            return [stack.enter_context(running(server))]
        except (OSError, RuntimeError) as error:
            self.failures.append(f"{server.name} does not start: {error}")
            return []

    def _measure(self, row: Row, server: Running) -> None:
        time.sleep(_PAUSE)
        bounds = ("--seconds", str(self.seconds), "--warmup", str(self.seconds / 4), "--limit", "30")
        try:
            measured = load(row.scene, row.protocol, server.port, *row.arguments, *bounds, tokens=self.tokens)
        except LoadError as error:
            self.failures.append(f"{server.server.name}, {row.family}, {row.title}: {error}")
        else:
            self.results[row, server.server.name].append(measured)

    def _memories(self, row: Row, servers: list[Server]) -> None:
        """Once: each on a server of its own, as a process that has served keeps memory to serve again."""
        for server in servers:
            progress(f"{row.family}, {row.title}: {server.name}")
            try:
                with running(server) as fresh:
                    taken = idle(row.protocol, fresh, IDLE, self.tokens)
            except (OSError, RuntimeError, LoadError) as error:
                self.failures.append(f"{server.name}, {row.family}, {row.title}: {error}")
            else:
                self.results[row, server.name].append(Measured(taken, 0, 0, IDLE))


def idle(protocol: str, server: Running, clients: int, tokens: Path) -> float:
    """Bytes of memory that each of so many further idle connections costs. Raises `LoadError`."""
    with holding(protocol, server.port, _FIRST, tokens):
        before = settled_memory(server.process)
        with holding(protocol, server.port, clients, tokens):
            return (settled_memory(server.process) - before) / clients


def median(measurements: Sequence[Measured]) -> Measured:
    """The median of each figure."""
    return Measured(
        statistics.median(each.rate for each in measurements),
        statistics.median(each.p50 for each in measurements),
        statistics.median(each.p99 for each in measurements),
        sum(each.count for each in measurements),
    )


def progress(text: str) -> None:
    """Say where we are, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
