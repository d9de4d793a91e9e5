"""What Python calls a piece of code makes: a number that, unlike a time, is the same on every machine."""

from __future__ import annotations

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
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(previous)
    counted[f"{function.__module__}.{function.__qualname__}"] -= 1
    return +counted
