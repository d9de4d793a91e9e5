"""``make serve``: two services in front, and both end together."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PATIENCE = 20.0

# In the place of twistd. Like a service, it takes SIGHUP for a reload.
TWISTD = """#!{python} -I
import os, signal, sys

if sys.argv[-1] == "{fails}":
    sys.exit(3)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.write({pipe}, b".")
signal.pause()
"""


class Served:
    """``make serve`` in a session of its own, as of a terminal. What it starts holds a pipe for as long as it lives."""

    def __init__(self, folder: Path, fails: str = "") -> None:
        self._pipe, held = os.pipe()
        (folder / "bin").mkdir()
        for name in ("python", "twistd"):
            (folder / "bin" / name).write_text(TWISTD.format(python=sys.executable, fails=fails, pipe=held))
            (folder / "bin" / name).chmod(0o755)
        (folder / ".serve").touch()
        command = ("make", "serve", f"VENV={folder}")
        self.process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, pass_fds=[held])
        os.close(held)

    def read(self) -> bytes:
        """A dot of each that stands; nothing once all have ended."""
        assert select.select([self._pipe], [], [], PATIENCE)[0], "somebody has not ended"
        return os.read(self._pipe, 1)

    def end(self) -> None:
        os.close(self._pipe)
        # Make's session is there for as long as anybody in it.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


@pytest.mark.parametrize("told", [signal.SIGHUP, signal.SIGINT])
def test_who_leaves_the_terminal_leaves_no_service_behind(tmp_path: Path, told: signal.Signals) -> None:
    served = Served(tmp_path)
    try:
        assert served.read() + served.read() == b".."
        os.killpg(served.process.pid, told)
        assert served.process.wait(PATIENCE) != 0
        assert served.read() == b""
    finally:
        served.end()


@pytest.mark.parametrize("fails", ["yektayar-api", "yektayar-ws"])
def test_a_service_that_fails_ends_the_other_and_it_all(tmp_path: Path, fails: str) -> None:
    served = Served(tmp_path, fails)
    try:
        assert served.process.wait(PATIENCE) != 0
        while served.read():
            pass
    finally:
        served.end()
