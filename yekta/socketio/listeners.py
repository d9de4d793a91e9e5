"""Event listeners, and how they are called.

As in JavaScript a listener takes as many of the client's arguments as it has parameters: further ones are left out,
missing ones are ``None``. A parameter named ``ack`` is given the function that acknowledges.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs

Function = TypeVar("Function", bound=Callable[..., Any])


@attrs.frozen
class Listener:
    """A function with what is known of its parameters; ``most`` is ``None`` for ``*args``."""

    function: Callable[..., Any]
    least: int
    most: int | None
    wants_ack: bool
    once: bool = False

    def call(self, args: Sequence[Any], ack: Callable[..., None]) -> Any:
        """Call it with what it takes of ``args``."""
        taken = list(args[: self.most])
        taken += [None] * (self.least - len(taken))
        return self.function(*taken, ack=ack) if self.wants_ack else self.function(*taken)


def listener(function: Callable[..., Any], *, once: bool = False) -> Listener:
    """Look at the parameters of ``function`` once, instead of at every event."""
    least, most, wants_ack = 0, 0, False
    unbounded = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "ack":
            wants_ack = True
        elif parameter.kind is parameter.VAR_POSITIONAL:
            unbounded = True
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            most += 1
            least += parameter.default is parameter.empty
    return Listener(function, least, None if unbounded else most, wants_ack, once)


class Listeners:
    """The listeners of one object, by event."""

    __slots__ = ("_events",)

    def __init__(self) -> None:
        self._events: dict[str, list[Listener]] = {}

    def add(self, event: str, function: Callable[..., Any], *, once: bool = False) -> None:
        """Call ``function`` for every ``event``, after those that were added before."""
        self._events.setdefault(event, []).append(listener(function, once=once))

    def remove(self, event: str | None = None, function: Callable[..., Any] | None = None) -> None:
        """Forget ``function``, or all listeners of ``event``, or all there are."""
        if event is None:
            self._events.clear()
        elif function is None:
            self._events.pop(event, None)
        else:
            self._keep(event, [each for each in self._events.get(event, ()) if each.function != function])

    def of(self, event: str) -> Sequence[Listener]:
        """The listeners of ``event`` as they are now; those that listen once are forgotten."""
        found = self._events.get(event)
        if found is None:
            return ()
        listeners = tuple(found)
        if any(each.once for each in listeners):
            self._keep(event, [each for each in listeners if not each.once])
        return listeners

    def _keep(self, event: str, listeners: list[Listener]) -> None:
        if listeners:
            self._events[event] = listeners
        else:
            self._events.pop(event, None)

    def __bool__(self) -> bool:
        return bool(self._events)


def ignore(*args: Any) -> None:
    """The acknowledgement of an event whose sender asked for none."""
