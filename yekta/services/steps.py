"""Steps that are taken one after the other, whatever becomes of those before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from twisted.logger import Logger

# May give an awaitable, which is waited for before the next one.
Step = Callable[[], Any]

_log = Logger()


async def take(steps: Iterable[Step]) -> None:
    """What fails is logged."""
    for step in steps:
        try:
            done = step()
            if isinstance(done, Awaitable):
                await done
        except Exception:
            _log.failure("A step of the end failed")
