"""A dictionary that never grows beyond its limit: what was not used for long makes room.

Two generations, as plain dictionaries: whoever is used is of the young one, and once that holds half of the limit, it
becomes the old one, whose entries are forgotten. An entry takes half of what it would in an `OrderedDict`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Lru(Generic[Key, Value]):
    """At most ``limit`` entries, and always the half of them that was used last.

    Reading with :meth:`get` counts as use; ``in`` does not.
    """

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """The value, if it is still here."""
        value = self._young.get(key)
        if value is None and (value := self._old.pop(key, None)) is not None:
            self._add(key, value)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value, which must not be ``None``."""
        if key in self._young:
            self._young[key] = value
        else:
            self._old.pop(key, None)
            self._add(key, value)

    def _add(self, key: Key, value: Value) -> None:
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def take(self, key: Key) -> Value | None:
        """The value, if it is still here, where it stays no longer."""
        value = self._young.pop(key, None)
        return self._old.pop(key, None) if value is None else value

    def discard(self, key: Key) -> None:
        """Forget a key, known or not."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def __contains__(self, key: object) -> bool:
        return key in self._young or key in self._old

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
