"""Python's collector of reference cycles, told what it is to look at.

A gateway's objects live as long as their connections, and nearly all go without the collector's help. With its defaults
it would walk through all of them again and again, which every client would feel as a pause.
"""

from __future__ import annotations

import gc

# Objects that are made before the young are looked at, and how often the old are: Python's own are 700, 10 and 10.
THRESHOLDS = 10_000, 20, 20


def settle() -> None:
    """Called once a service is ready: what is there now will stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
