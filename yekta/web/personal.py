"""The fields of a request that many share, and one that is its client's own, such as where a proxy says that it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Personal(Mapping[str, str]):
    """``shared``, which may be of this kind too, and one field more."""

    __slots__ = ("_name", "_value", "shared")

    def __init__(self, shared: Mapping[str, str], name: str, value: str) -> None:
        self.shared = shared
        self._name = name
        self._value = value

    def get(self, name: str, default: Any = None) -> Any:
        """As of any mapping."""
        return self._value if name == self._name else self.shared.get(name, default)

    def __getitem__(self, name: str) -> str:
        return self._value if name == self._name else self.shared[name]

    def __contains__(self, name: object) -> bool:
        return name == self._name or name in self.shared

    def __iter__(self) -> Iterator[str]:
        yield self._name
        yield from self.shared

    def __len__(self) -> int:
        return 1 + len(self.shared)
