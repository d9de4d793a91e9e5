"""What a piece of code costs, where no number of calls tells it: most of the work is done inside of one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any


def seconds_of(function: Callable[[], Any], times: int = 3) -> float:
    """The least CPU time of this thread that ``function`` took, in seconds. Whatever it raises is its answer."""
    return min(_once(function) for _ in range(times))


def _once(function: Callable[[], Any]) -> float:
    began = time.thread_time()
    with contextlib.suppress(ValueError):
        function()
    return time.thread_time() - began
