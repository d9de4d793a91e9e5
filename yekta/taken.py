"""What values take that were read: many times their text, where they are many and small."""

from __future__ import annotations

from sys import getsizeof
from typing import Any


def takes_more(value: Any, most: int) -> bool:
    """Whether ``value``, as JSON or msgpack is read into, takes more than ``most`` bytes."""
    unseen, left = [value], most
    while unseen and left >= 0:
        each = unseen.pop()
        left -= getsizeof(each)
        if isinstance(each, dict):
            unseen += each.keys()
            unseen += each.values()
        elif isinstance(each, list):
            unseen += each
    return left < 0
