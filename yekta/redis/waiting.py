"""What was said and may not be in Redis yet: it is said again when there is another connection."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from yekta.redis.entries import written
from yekta.socketio.cluster_words import Word

# What is said takes this besides its bytes: the objects of its fields, and the reply of Redis that is waited for.
OVERHEAD = 768


class Waiting:
    """What ``uid`` has said and Redis has not confirmed, in its order: fields of entries, each with its number.

    ``size``: the bytes of all.
    """

    def __init__(self, uid: str) -> None:
        self.size = 0
        self._uid = uid
        self._number = 0
        self._said: deque[tuple[bytes, ...]] = deque()
        self._first_before: tuple[bytes, ...] | None = None
        self._looks = 0

    def __iter__(self) -> Iterator[tuple[bytes, ...]]:
        return iter(self._said)

    def written(self, word: Word, to: str = "") -> tuple[bytes, ...]:
        """``word`` as it is to be added next. Raises :class:`ValueError` for what cannot be said."""
        return written(self._uid, word, to, self._number + 1)

    def add(self, fields: tuple[bytes, ...]) -> None:
        """What `written` gave last is said now, and waits."""
        self._number += 1
        self._said.append(fields)
        self.size += _size(fields)

    def confirm(self, fields: tuple[bytes, ...]) -> None:
        """Redis has the first one, if that is ``fields``."""
        if self._said and self._said[0] is fields:
            self.size -= _size(self._said.popleft())

    def clear(self) -> None:
        """Nothing is to be said again; the numbers go on."""
        self._said.clear()
        self.size = 0

    def look(self) -> int:
        """How many times before, one after the other, the first one was the same."""
        self._looks = self._looks + 1 if self._is_the_same() else 0
        self._first_before = self._said[0] if self._said else None
        return self._looks

    @property
    def is_late(self) -> bool:
        """Whether the first one was the same when it was looked at last, and is so still."""
        return self._looks > 0 and self._is_the_same()

    def _is_the_same(self) -> bool:
        return bool(self._said) and self._said[0] is self._first_before


def _size(fields: tuple[bytes, ...]) -> int:
    return OVERHEAD + sum(map(len, fields))
