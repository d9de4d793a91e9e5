"""Child processes that say when they are ready, and how much memory they take."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).parent.parent

# Seconds a process may take to end once it was asked to.
_PATIENCE = 20.0


@contextmanager
def started(
    command: Sequence[str],
    awaited: str,
    *,
    times: int = 1,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process, and the line with ``awaited`` in it that it says for the last of so many ``times``.

    Raises `RuntimeError` if it ends before.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
    )
    try:
        yield process, _await(process, awaited, times)
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[str], awaited: str, times: int) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said = line
        times -= awaited in line
        if not times:
            # What it goes on to say must not fill the pipe, and stop it.
            Thread(target=_drain, args=(process,), daemon=True).start()
            return line.strip()
    raise RuntimeError(f"{process.args!r} ended early: {said.strip()}")


def _drain(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for _ in process.stdout:
            pass


def free_port() -> int:
    """A TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def memory(process: int) -> int:
    """Bytes that a process and its children take: what they share is counted once (PSS)."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return pss * 1024 + sum(memory(int(child)) for child in children)


def settled_memory(process: int) -> int:
    """Its memory once that has stopped to change, as collectors give back what they have found a little later."""
    last = memory(process)
    for _ in range(20):
        time.sleep(0.25)
        taken = memory(process)
        if abs(taken - last) < 256 * 1024:
            return taken
        last = taken
    return last
