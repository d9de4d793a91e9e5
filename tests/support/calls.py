"""What Python calls a piece of code makes: a number that, unlike a time, is the same on every machine."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any


def calls_of(function: Callable[[], Any]) -> Counter[str]:
    """The Python functions that ``function`` calls, by module and name, itself left out."""
    counted: Counter[str] = Counter()

    def profile(frame: FrameType, event: str, arg: object) -> None:
        if event == "call":
            counted[f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"] += 1

    previous = sys.getprofile()
    # The collector calls whoever waits for the end of something, which may be an earlier test's.
    collects = gc.isenabled()
    gc.disable()
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(previous)
        if collects:
            gc.enable()
    counted[f"{function.__module__}.{function.__qualname__}"] -= 1
    return +counted
