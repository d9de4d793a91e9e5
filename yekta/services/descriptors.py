"""Sets and tables of file descriptors: small numbers, of which there may be many.

A byte for each in a set, and eight in a table. Python's own take a hundred, and the number besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Room that is there from the beginning, in descriptors.
_FIRST = 1024

# As `super` finds it, for each connection that comes or goes.
_set = list.__setitem__


class Descriptors:
    """A set."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known = bytearray(_FIRST)

    def add(self, fd: int) -> None:
        """Let it be one of them."""
        if fd >= len(self._known):
            self._known += bytes(fd)
        self._known[fd] = True

    def discard(self, fd: int) -> None:
        """Let it be none of them."""
        if 0 <= fd < len(self._known):
            self._known[fd] = False

    def remove(self, fd: int) -> None:
        """Let it be none of them, where it is one."""
        if fd not in self:
            raise KeyError(fd)
        self._known[fd] = False

    def __contains__(self, fd: int) -> bool:
        return 0 <= fd < len(self._known) and bool(self._known[fd])

    def __iter__(self) -> Iterator[int]:
        return (fd for fd, known in enumerate(self._known) if known)


class Owners(list[Any]):
    """A table: whose each descriptor is, by its number; `None` where it is nobody's. Reading is a list's own."""

    def __setitem__(self, fd: Any, owner: Any) -> None:
        if fd >= len(self):
            self += [None] * (fd + _FIRST - len(self))
        _set(self, fd, owner)

    def __delitem__(self, fd: Any) -> None:
        self[fd] = None

    def items(self) -> list[tuple[int, Any]]:
        """Each descriptor that is somebody's, and whose."""
        return [(fd, owner) for fd, owner in enumerate(self) if owner is not None]
