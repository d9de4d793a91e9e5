"""What is known at once, or after a wait: without a Deferred where there is nothing to wait for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

Value = TypeVar("Value")

Eventually: TypeAlias = Value | Coroutine[Any, Any, Value]


def then(value: Eventually[Value], do: Callable[[Value], object]) -> Coroutine[Any, Any, None] | None:
    """``do(value)``: now, or by the coroutine that this returns."""
    if isinstance(value, Coroutine):
        return _then(value, do)
    do(value)
    return None


async def known(value: Value | Awaitable[Value]) -> Value:
    """The value: for those who wait in any case."""
    return await value if isinstance(value, Awaitable) else value


async def _then(value: Coroutine[Any, Any, Value], do: Callable[[Value], object]) -> None:
    do(await value)
