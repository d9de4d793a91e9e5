"""UNIX sockets of processes that were killed: each is a file that nobody takes away by itself.

Where every process has a name of its own, those that come after do not meet it by listening there.
"""

from __future__ import annotations

import os
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


def release(path: Path, now: float, own: int = 0) -> bool:
    """Take away a socket at which nobody listens, and its lock, as Twisted makes one: whether there was one.

    The number in a lock says nothing: another process may have it by now, and in a container the same are given out
    each time. One that is quite new is left alone, unless its number is ``own``.
    """
    lock = Path(f"{path}.lock")
    with suppress(OSError, ValueError):
        holder, made = int(os.readlink(lock)), lock.lstat().st_mtime
        if (holder == own or now - made > GRACE) and _is_nobodys(path):
            path.unlink(missing_ok=True)
            lock.unlink()
            return True
    return False


def _is_nobodys(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.lstat().st_mode) and _refuses(path)
    except FileNotFoundError:
        return True


def _refuses(path: Path) -> bool:
    # What is no socket refuses as well.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            return True
    return False
