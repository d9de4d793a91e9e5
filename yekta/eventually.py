"""What is known at once, or after a wait: without a Deferred where there is nothing to wait for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeAlias, TypeVar

Value = TypeVar("Value")

Eventually: TypeAlias = Value | Coroutine[Any, Any, Value]


def then(value: Eventually[Value], do: Callable[[Value], object]) -> Coroutine[Any, Any, None] | None:
    """``do(value)``: now, or by the coroutine that this returns."""
    if isinstance(value, Coroutine):
        return _Then(value, do)
    do(value)
    return None


async def known(value: Value | Awaitable[Value]) -> Value:
    """The value: for those who wait in any case."""
    return await value if isinstance(value, Awaitable) else value


class _Then(Coroutine[Any, Any, None]):
    """``do`` with what the coroutine ``value`` gives. Closed before it has begun, it closes that as well, which Python
    would complain of otherwise."""

    __slots__ = ("_value", "_work")

    def __init__(self, value: Coroutine[Any, Any, Value], do: Callable[[Value], object]) -> None:
        self._value = value
        self._work = _then(value, do)

    def __await__(self) -> Generator[Any, Any, None]:
        return self._work.__await__()

    def send(self, value: Any) -> Any:
        return self._work.send(value)

    def throw(self, *error: Any) -> Any:
        return self._work.throw(*error)

    def close(self) -> None:
        self._work.close()
        self._value.close()


async def _then(value: Coroutine[Any, Any, Value], do: Callable[[Value], object]) -> None:
    do(await value)
