"""What a piece of code costs, where no number of calls tells it: most of the work is done inside of one."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable
from typing import Any


def seconds_of(function: Callable[[], Any], times: int = 3) -> float:
    """The least CPU time of this thread that ``function`` took, in seconds, without the collector's of all objects of
    the tests. A `ValueError` is as good an end as any."""
    gc.disable()
    try:
        return min(_once(function) for _ in range(times))
    finally:
        gc.enable()


def costs_less(function: Callable[[], Any], seconds: float, tries: int = 20) -> bool:
    """Whether ``function`` takes less of this thread's CPU time. Once is enough: who else is on the machine makes it
    slower, and nobody makes it faster."""
    return any(seconds_of(function, times=1) < seconds for _ in range(tries))


def _once(function: Callable[[], Any]) -> float:
    began = time.thread_time()
    with contextlib.suppress(ValueError):
        function()
    return time.thread_time() - began
