"""One delayed call that can be set again, so that no owner keeps count of it."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime


@attrs.define(eq=False)
class Alarm:
    """Calls ``ring`` once, the given seconds after the last ``set``; ``clear`` silences it."""

    _clock: IReactorTime
    _ring: Callable[[], object]
    _call: IDelayedCall | None = attrs.field(default=None, init=False)

    def set(self, seconds: float) -> None:
        """Ring ``seconds`` from now, and not when it was set to ring before."""
        if self._call is not None and self._call.active():
            self._call.reset(seconds)
        else:
            self._call = self._clock.callLater(seconds, self._ring)

    def clear(self) -> None:
        """Do not ring."""
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None

    def end(self) -> None:
        """Never ring again. It forgets its owner: the two know each other, and would wait for the collector."""
        self.clear()
        self._ring = _nobody


def _nobody() -> None:
    """Whoever was to be rung has ended."""
