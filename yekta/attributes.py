"""Objects of one class share the names of their attributes, where all names are known before there are many objects.

CPython (PEP 412) leaves each class room for thirty shared names, and takes one away with each object that is made until
nothing is left. Twenty clients that come at once are enough: whatever is first set after that costs each later object a
dictionary of its own, 800 bytes instead of 8.
"""

from __future__ import annotations

from typing import Any


def share(kind: type, *names: str) -> None:
    """Let objects of ``kind`` share ``names``; to be called before there is one."""
    made: Any = object.__new__(kind)
    for name in names:
        object.__setattr__(made, name, None)
