"""UNIX sockets of processes that were killed: each is a file that nobody takes away by itself.

Where every process has a name of its own, those that come after do not meet it by listening there.
"""

from __future__ import annotations

import socket
import stat
import time
from contextlib import suppress
from pathlib import Path

# Seconds for which a socket that refuses may belong to somebody who is about to listen.
GRACE = 10.0


def sweep(folder: Path) -> list[str]:
    """Take away the sockets in ``folder`` at which nobody listens. Gives their names."""
    try:
        paths = list(folder.iterdir())
    except OSError:
        return []
    return [path.name for path in paths if _refuses(path) and take_away(path, time.time())]


def take_away(path: Path, now: float) -> bool:
    """Take away a socket that has refused, unless it is quite new; whether it is gone. ``now`` is in POSIX seconds."""
    with suppress(OSError):
        found = path.lstat()
        if stat.S_ISSOCK(found.st_mode) and now - found.st_mtime > GRACE:
            path.unlink()
            return True
    return False


def _refuses(path: Path) -> bool:
    # What is no socket refuses as well.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            return True
    return False
