"""What is measured of every server: the rows of the table."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import attrs

from benchmarks.generator import Measured
from benchmarks.servers import NATIVE, SOCKETIO

IDLE = 5_000


@attrs.frozen
class Row:
    """``scene``, ``protocol`` and ``arguments`` are the load generator's; with ``p99``, latency has a line as well."""

    key: str
    family: str
    title: str
    scene: str
    protocol: str
    arguments: tuple[str, ...] = ()
    p99: bool = False

    @property
    def is_memory(self) -> bool:
        return self.scene == "idle"


@attrs.frozen
class Line:
    """One printed line: a figure of a row. ``less``: the lower the better."""

    title: str
    figure: str
    less: bool = False

    def of(self, measured: Measured) -> float:
        value: float = getattr(measured, self.figure)
        return value


def _both(family: str, protocol: str) -> list[Row]:
    def row(key: str, title: str, scene: str, *arguments: str, p99: bool = False) -> Row:
        return Row(key, family, title, scene, protocol, arguments, p99)

    return [
        row("echo", "echo, 50 clients × 1 in flight, /s", "echo", p99=True),
        row("echo-16", "echo, 50 × 16 in flight, /s", "echo", "--flight", "16", p99=True),
        row("echo-1k", "echo of 1 KiB, 50 × 1, /s", "echo", "--size", "1024"),
        row("echo-64k", "echo of 64 KiB, 50 × 1, /s", "echo", "--size", "65536"),
        row("broadcast", "broadcast to 100, deliveries/s", "broadcast", "--clients", "100", "--flight", "2"),
        row("streams", "20 clients × 200 chunks, events/s", "streams", "--clients", "20"),
        row("connect", "connect, be welcomed, close, /s", "connect", "--clients", "20"),
    ]


def _memory(family: str, protocol: str) -> Row:
    return Row("memory", family, f"bytes of an idle connection, of {IDLE:,}", "idle", protocol)


ACQUIRE = ("--path", "/api/auth/acquire-session", "--expect", '"success":true')

ROWS = (
    *_both(SOCKETIO, "socketio"),
    Row("polling", SOCKETIO, "long polling, POST + GET round trips/s", "echo", "polling"),
    Row("http", SOCKETIO, "POST acquire-session, keep-alive, /s", "http", "http", ACQUIRE),
    _memory(SOCKETIO, "socketio"),
    *_both(NATIVE, "native"),
    _memory(NATIVE, "native"),
)


def lines(row: Row) -> list[Line]:
    """How a row is printed."""
    if row.is_memory:
        return [Line(row.title, "rate", less=True)]
    latency = [Line("  its p99, ms", "p99", less=True)] if row.p99 else []
    return [Line(row.title, "rate"), *latency]


def chosen(patterns: Sequence[str] | None) -> list[Row]:
    """The rows whose key, or family and key as in ``native:echo``, a pattern matches; all where there is no pattern."""
    return [
        row
        for row in ROWS
        if patterns is None
        or any(fnmatchcase(name, each) for each in patterns for name in (row.key, f"{row.family.lower()}:{row.key}"))
    ]
