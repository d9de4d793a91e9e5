"""The conformance application as a process of its own.

    with serving("--eio3") as app:
        …app.url, app.port…
    # it has ended, and never complained
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

# Seconds for it to start, and to end.
PATIENCE = 30.0

_ROOT = Path(__file__).parents[2]


@attrs.frozen
class App:
    """One that listens on ``port`` of this machine."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(*options: str) -> Iterator[App]:
    """``tests.conformance.app`` with ``options``, on a port of its own."""
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.conformance.app", "0", *options],
            cwd=_ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
        try:
            assert process.stdout is not None
            with process.stdout:
                said = process.stdout.readline()
                assert said.startswith("listening on "), said
                yield App(int(said.split()[-1]))
                process.terminate()
                assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.wait()
        complaints.seek(0)
        assert complaints.read() == ""
