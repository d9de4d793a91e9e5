"""How the answers of this process have ended, and how long they took; for metrics."""

from __future__ import annotations

from collections import Counter

from yekta.durations import Durations

_BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0, 120.0, 300.0)


class AnswerTimes:
    """``first``: until the first words came; ``whole``: until the end, however it came. ``ends`` by state."""

    def __init__(self) -> None:
        self.first = Durations(_BOUNDS)
        self.whole = Durations(_BOUNDS)
        self.ends: Counter[str] = Counter()
