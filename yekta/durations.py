"""How long things took, in few numbers: a count for each class of lengths, as a histogram of Prometheus has them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Durations:
    """``bounds``: seconds, ascending; each ends a class, which it belongs to. What is longer has a class of its own.

    ``total``: of all that was added, in seconds.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """One more. It took no time where the clock was set back meanwhile."""
        seconds = max(0.0, seconds)
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self.total += seconds

    def cumulative(self) -> list[tuple[float, int]]:
        """Each bound, the last of which is infinite, and how many were no longer."""
        so_far, counted = 0, []
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            so_far += count
            counted.append((bound, so_far))
        return counted
