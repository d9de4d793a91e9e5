"""Values that equal whatever looks like them, so that a payload is compared whole, key by key."""

from __future__ import annotations

import re
from typing import Any

import attrs


@attrs.frozen(eq=False)
class Like:
    """Equals any text that matches the whole pattern."""

    pattern: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and re.fullmatch(self.pattern, other) is not None

    __hash__ = None  # type: ignore[assignment]


@attrs.frozen(eq=False)
class Kind:
    """Equals any value of exactly this type."""

    type: type

    def __eq__(self, other: object) -> bool:
        return type(other) is self.type

    __hash__ = None  # type: ignore[assignment]


TIMESTAMP: Any = Like(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TOKEN: Any = Like(r"[A-Za-z0-9_-]{43}")
MESSAGE_ID: Any = Like(r"ai-\d{13}-[0-9a-f]{10}")
TEXT: Any = Like(r"(?s).+")
NUMBER: Any = Kind(int)
