"""How long processes have kept a processor busy, as Linux tells (``proc(5)``)."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def spent(process: int) -> float:
    """Seconds that a process and its children have spent, in themselves and in the system."""
    folder = Path(f"/proc/{process}")
    user, system = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
    children = (folder / f"task/{process}/children").read_text().split()
    return (int(user) + int(system)) / _TICK + sum(spent(int(child)) for child in children)
