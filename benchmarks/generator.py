"""The load generator (``load/*.c``), pinned to a core, and what it has measured."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from benchmarks.children import ROOT

_PROGRAM = Path(__file__).with_name("load") / "load"

# The server's and the generator's. On a machine with one core, both are that.
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = str(CORES[0]), str(CORES[1 % len(CORES)])


class LoadError(Exception):
    """The server said something wrong, or nothing at all; in the generator's words."""


@attrs.frozen
class Measured:
    """``rate``: a second. ``p50`` and ``p99``: milliseconds."""

    rate: float
    p50: float
    p99: float
    count: int


def build() -> None:
    """Compile the generator, where it is older than its source."""
    subprocess.run(["make", "--silent", str(_PROGRAM.relative_to(ROOT))], cwd=ROOT, check=True)


def pinned(core: str, *command: str) -> list[str]:
    """``command``, on one core or on a comma-separated list of them."""
    return ["taskset", "--cpu-list", core, *command]


def load(scene: str, protocol: str, port: int, *arguments: str, tokens: Path | None = None) -> Measured:
    """Run one scene. Raises `LoadError`."""
    command = _command(scene, protocol, port, arguments, tokens)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadError(done.stderr.strip())
    said = json.loads(done.stdout)
    return Measured(said["rate"], said["p50_ms"], said["p99_ms"], said["count"])


@contextmanager
def holding(protocol: str, port: int, clients: int, tokens: Path | None = None) -> Iterator[None]:
    """So many idle connections. Raises `LoadError` where they could not be opened or were not left in peace."""
    command = _command("idle", protocol, port, ("--clients", str(clients)), tokens)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        if "holding" in process.stdout.readline():
            try:
                yield
            finally:
                process.stdin.close()
        if process.wait():
            raise LoadError(process.stderr.read().strip())


def _command(
    scene: str, protocol: str, port: int, arguments: Sequence[str], tokens: Path | None
) -> list[str]:
    who = [] if tokens is None else ["--tokens", str(tokens)]
    return pinned(LOAD_CORE, str(_PROGRAM), scene, protocol, str(port), *arguments, *who)
