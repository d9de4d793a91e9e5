"""How the product's cost grows: with connections, with recipients, with an hour's worth of messages."""

from __future__ import annotations

from pathlib import Path

from benchmarks.children import settled_memory
from benchmarks.comparison import idle, progress
from benchmarks.generator import load
from benchmarks.servers import Running, Server, running
from benchmarks.table import rst

SIZES = (100, 1_000, 10_000)

# A thousand messages a second, for an hour; sent as fast as they are answered.
_HOUR = 1_000 * 3_600

# Until then, tables and allocator take what they will keep.
_BEFORE = 100_000

_PROTOCOLS = ("socketio", "native")


def run(server: Server, tokens: Path, seconds: float) -> str:
    """Measure and tell. Raises `LoadError`."""
    rows = [["", *(f"{size:,} connections" for size in SIZES)]]
    for protocol in _PROTOCOLS:
        with running(server) as gateway:
            rows += _speeds(gateway, protocol, tokens, seconds)
        with running(server) as fresh:
            progress(f"{protocol}, memory at {SIZES[-1]:,}")
            taken = idle(protocol, fresh, SIZES[-1], tokens)
        rows.append([f"{protocol}: bytes of an idle connection", "", "", f"{taken:,.0f}"])
    with running(server) as gateway:
        hour = _hour(gateway, tokens)
    return f"{rst(rows, range(len(rows[0])))}\n\n{hour}"


def _speeds(gateway: Running, protocol: str, tokens: Path, seconds: float) -> list[list[str]]:
    echoes, latencies, deliveries = [], [], []
    for size in SIZES:
        progress(f"{protocol}, {size:,} connections")
        bounds = ("--clients", str(size), "--seconds", str(seconds), "--warmup", "1")
        echo = load("echo", protocol, gateway.port, *bounds, tokens=tokens)
        echoes.append(f"{echo.rate:,.0f}")
        latencies.append(f"{echo.p99:.1f}")
        broadcast = load("broadcast", protocol, gateway.port, *bounds, "--flight", "2", tokens=tokens)
        deliveries.append(f"{broadcast.rate:,.0f}")
    return [
        [f"{protocol}: echo, 1 in flight, /s", *echoes],
        [f"{protocol}: its p99, ms", *latencies],
        [f"{protocol}: broadcast to all, deliveries/s", *deliveries],
    ]


def _hour(gateway: Running, tokens: Path) -> str:
    def echo(messages: int) -> float:
        counts = ("--messages", str(messages), "--flight", "16", "--limit", "600")
        return load("echo", "socketio", gateway.port, *counts, tokens=tokens).rate

    progress("an hour's worth of messages")
    echo(_BEFORE)
    before = settled_memory(gateway.process)
    rate = echo(_HOUR)
    after = settled_memory(gateway.process)
    return (
        f"An hour's worth of messages (1,000 a second: {_HOUR:,} echoes, at {rate:,.0f} a second): "
        f"memory {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after."
    )
