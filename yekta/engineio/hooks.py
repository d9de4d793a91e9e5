"""Hooks: a few named events, and the functions that are called for each, by which others may look on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.logger import Logger

Function = TypeVar("Function", bound=Callable[..., Any])


class Hooks:
    """``hooks.on("packet")(function)`` adds; nothing is called where nobody looks on.

    One that fails is logged: whoever looks on decides nothing.
    """

    _log = Logger()

    __slots__ = ("functions",)

    def __init__(self) -> None:
        self.functions: dict[str, tuple[Callable[..., Any], ...]] = {}

    def on(self, event: str) -> Callable[[Function], Function]:
        """Decorator: call a function for every ``event``."""

        def add(function: Function) -> Function:
            self.functions[event] = (*self.functions.get(event, ()), function)
            return function

        return add

    def off(self, event: str, function: Callable[..., Any]) -> None:
        """Call ``function`` no more."""
        functions = tuple(each for each in self.functions.pop(event, ()) if each != function)
        if functions:
            self.functions[event] = functions

    def fire(self, event: str, *args: Any) -> None:
        """Call everybody who looks on."""
        for function in self.functions.get(event, ()):
            try:
                function(*args)
            except Exception:
                self._log.failure("A hook failed")
