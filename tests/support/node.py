"""Programs in Node that say what they saw, one line of JSON at a time."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import attrs

TESTS = Path(__file__).parents[1]
NODE_MODULES = TESTS / "node" / "node_modules"

# Seconds until a program must say something.
PATIENCE = 30.0


@attrs.define(eq=False)
class Program:
    """One that runs. What it writes to standard error is only shown where it fails."""

    process: subprocess.Popen[str]
    _lines: Queue[str] = attrs.field(factory=Queue)
    _errors: list[str] = attrs.field(factory=list)

    def begin(self) -> None:
        """Read both streams, so that neither fills up."""
        for stream, keep in ((self.process.stdout, self._lines.put), (self.process.stderr, self._errors.append)):
            threading.Thread(target=_pass_on, args=(stream, keep), daemon=True).start()

    def hear(self, patience: float = PATIENCE) -> Any:
        """The next thing it says."""
        try:
            line = self._lines.get(timeout=patience)
        except Empty:
            raise AssertionError(f"it says nothing: {self._complaints}") from None
        assert line, f"it has ended: {self._complaints}"
        return json.loads(line)

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    @property
    def _complaints(self) -> str:
        return "".join(self._errors)


def _pass_on(stream: Any, keep: Any) -> None:
    for line in stream:
        keep(line)
    keep("")


@contextmanager
def running(script: str, *arguments: Any) -> Iterator[Program]:
    """``tests/integration/SCRIPT`` with ``arguments`` as JSON; ended where it has not ended by itself."""
    process = subprocess.Popen(
        ["node", str(TESTS / "integration" / script), *map(json.dumps, arguments)],
        env={**os.environ, "NODE_MODULES_DIR": str(NODE_MODULES)},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    program = Program(process)
    program.begin()
    try:
        yield program
    finally:
        process.kill()
        process.wait()


def told(script: str, *arguments: Any, patience: float = PATIENCE) -> Any:
    """The one thing that a program has to say."""
    with running(script, *arguments) as program:
        return program.hear(patience)
