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


def _once(function: Callable[[], Any]) -> float:
    began = time.thread_time()
    with contextlib.suppress(ValueError):
        function()
    return time.thread_time() - began
