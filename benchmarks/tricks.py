"""What each thing that carries the speed is worth: the product with it and without it, in turn.

``application/bench_without.py`` leaves one out, by putting other libraries' way, or our own general one, in its place.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fnmatch import fnmatchcase
from pathlib import Path

import attrs

from benchmarks.comparison import idle, progress
from benchmarks.generator import LoadError, load
from benchmarks.rows import IDLE, Row, chosen
from benchmarks.servers import Running, Server, product, running
from benchmarks.table import rst


@attrs.frozen
class Trick:
    """``name``: as ``bench_without`` has it; or a setting and its value, or a reactor. ``rows``: patterns of those that
    show it."""

    title: str
    file: str
    name: str
    rows: str


TRICKS = (
    Trick("texts taken whole out of a chunk", "websocket/frame.py", "texts_at_once", "native:echo,native:echo-16"),
    Trick("long ones unmasked in C", "websocket/nvx.py", "unmasking_in_c", "native:echo-64k"),
    Trick("one write for a chunk or a turn", "websocket/outgoing.py", "gathering", "native:echo-16,native:streams"),
    Trick("Autobahn without what few need", "websocket/lean.py", "lean_protocol", "native:connect,native:memory"),
    Trick("a short opening handshake", "websocket/opening.py", "short_opening", "native:connect"),
    Trick("framed once for many", "websocket/shared.py", "shared_frames", "socket.io:broadcast"),
    Trick("texts past Engine.IO's packets", "engineio/connection.py", "express", "socket.io:echo-16,socket.io:streams"),
    Trick("a send(2) and a close(2) at once", "tcp.py", "tcp_at_once", "native:echo,native:connect"),
    Trick("a reactor that says when a turn ends", "services/reactor.py", "reactor=epoll", "native:echo,native:connect"),
    Trick("lines of the log written together", "turns.py", "turns_of_the_log", "native:connect"),
    Trick("one timer for all that waits", "timeouts.py", "one_timer", "native:connect,native:memory"),
    Trick("HTTP without twisted.web", "web/front.py", "HTTP_SHORT_PATH=false", "polling,http,socket.io:connect"),
    Trick("requests for a WebSocket that look alike", "web/alike.py", "alike", "socket.io:connect,socket.io:memory"),
    Trick("new clients that come as nearly all do", "engineio/newcomers.py", "newcomers", "socket.io:connect"),
    Trick("heads that clients repeat", "web/repeated.py", "repeated_heads", "polling"),
    Trick("polls like those before", "engineio/regulars.py", "regulars", "polling"),
    Trick("REST without Klein", "edge/rest_door.py", "rest_without_klein", "http"),
    Trick("many new sessions in one transaction", "app/batches.py", "batches", "http"),
    Trick("randomness fetched for many", "ids.py", "chance_in_pieces", "socket.io:connect"),
    Trick("a timestamp a millisecond", "timestamps.py", "cached_time", "native:echo-16"),
    Trick("orjson", "jsontext.py", "fast_json", "native:echo-16,socket.io:echo-16"),
    Trick("names of attributes shared", "attributes.py", "shared_names", "socket.io:memory"),
    Trick("the collector told what stays", "services/collector.py", "settled_collector", "socket.io:connect"),
)

_WITH, _WITHOUT = 0, 1


def named(patterns: Sequence[str] | None) -> list[Trick]:
    """Those whose name a pattern matches; all where there is no pattern."""
    return [trick for trick in TRICKS if patterns is None or any(fnmatchcase(trick.name, each) for each in patterns)]


def run(
    tricks: Sequence[Trick],
    folder: Path,
    tokens: Path,
    reactor: str,
    rounds: int,
    seconds: float,
    failures: list[str],
) -> str:
    """Measure and tell. What goes wrong with one trick is told in ``failures``."""
    table = [["", "file", "row", "with", "without", "times"]]
    for trick in tricks:
        progress(trick.title)
        try:
            table += _lines(trick, folder, tokens, reactor, rounds, seconds)
        except (LoadError, RuntimeError) as error:
            failures.append(f"{trick.title}: {error}")
    return rst(table, range(len(table[0])))


def _lines(
    trick: Trick, folder: Path, tokens: Path, reactor: str, rounds: int, seconds: float
) -> Iterator[list[str]]:
    rows = chosen(trick.rows.split(","))
    servers = [product(folder, reactor), _without(trick, folder, reactor)]
    pairs = _speeds([row for row in rows if not row.is_memory], servers, tokens, rounds, seconds)
    pairs += [(row, [tuple(_memory(row, server, tokens) for server in servers)]) for row in rows if row.is_memory]
    for place, (row, measured) in enumerate(pairs):
        both = [statistics.median(each[side] for each in measured) for side in (_WITH, _WITHOUT)]
        ratios = [each[_WITHOUT] / each[_WITH] if row.is_memory else each[_WITH] / each[_WITHOUT] for each in measured]
        named = [trick.title, trick.file] if place == 0 else ["\\", ""]
        figures = [f"{each:,.0f}" for each in both]
        yield [*named, f"{row.family}: {row.key}", *figures, f"{statistics.median(ratios):.2f}"]


def _without(trick: Trick, folder: Path, reactor: str) -> Server:
    name, _, value = trick.name.partition("=")
    if name == "reactor":
        return product(folder, value)
    server = product(folder, reactor)
    left_out = {name: value} if value else {"BENCH_WITHOUT": name}
    return attrs.evolve(server, environment={**server.environment, **left_out})


def _speeds(
    rows: Sequence[Row], servers: Sequence[Server], tokens: Path, rounds: int, seconds: float
) -> list[tuple[Row, list[tuple[float, ...]]]]:
    """What each round brings, with and without, one right after the other."""
    if not rows:
        return []
    with ExitStack() as stack:
        both = [stack.enter_context(running(server)) for server in servers]
        return [
            (row, [tuple(_rate(row, each, tokens, seconds) for each in both) for _ in range(rounds)]) for row in rows
        ]


def _rate(row: Row, server: Running, tokens: Path, seconds: float) -> float:
    bounds = ("--seconds", str(seconds), "--warmup", str(seconds / 4), "--limit", "30")
    return load(row.scene, row.protocol, server.port, *row.arguments, *bounds, tokens=tokens).rate


def _memory(row: Row, server: Server, tokens: Path) -> float:
    with running(server) as fresh:
        return idle(row.protocol, fresh, IDLE, tokens)
