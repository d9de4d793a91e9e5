"""A set of file descriptors: small numbers, of which there may be many."""

from __future__ import annotations

from collections.abc import Iterator

# Room that is there from the beginning, in descriptors.
_FIRST = 1024


class Descriptors:
    """A byte for each that there may be. Python's own set takes a hundred for each of thousands."""

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
        if fd in self:
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
