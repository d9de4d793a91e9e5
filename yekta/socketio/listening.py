"""What an application wants to hear from a socket. The registry only; `calls` does the calling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from yekta.socketio.listeners import Function, Listeners

# What listens to a socket that nobody listens to.
NOBODY = Listeners()

Fallback = Callable[[str, list[Any], Callable[..., None]], Any]


class Owner(Protocol):
    """An object that has a socket to itself, as ``socket.owner``: told what no listener is, without one of its own."""

    def event_received(self, event: str, args: list[Any], ack: Callable[..., None]) -> Any:
        """As `Listening.otherwise`: every event that has no listener."""

    def drained(self) -> None:
        """The client, having been behind, can take more."""

    def left(self, reason: str) -> None:
        """The socket has left; the listeners of ``disconnect`` know already."""


class Listening:
    """The listening half of a socket. Tuples: they cost an idle socket nothing, and are safe to walk."""

    __slots__ = ("fallback", "incoming", "listeners", "middlewares", "outgoing", "owner")

    def __init__(self) -> None:
        self.listeners: Listeners = NOBODY
        self.incoming: tuple[Callable[..., Any], ...] = ()
        self.outgoing: tuple[Callable[..., Any], ...] = ()
        self.middlewares: tuple[Callable[..., Any], ...] = ()
        self.fallback: Fallback | None = None
        self.owner: Owner | None = None

    def on(self, event: str) -> Callable[[Function], Function]:
        """Decorator: call a function for every ``event``; ``disconnecting`` and ``disconnect`` get the reason."""
        return self._adder(event, once=False)

    def once(self, event: str) -> Callable[[Function], Function]:
        """Decorator: call a function for the next ``event`` only."""
        return self._adder(event, once=True)

    def off(self, event: str | None = None, function: Callable[..., Any] | None = None) -> None:
        """Forget a listener, all of an event, or all."""
        self.listeners.remove(event, function)

    def on_any(self, function: Function) -> Function:
        """Call ``function(event, *args)`` for every event that comes in, before its listeners."""
        self.incoming = (*self.incoming, function)
        return function

    def prepend_any(self, function: Function) -> Function:
        """As :meth:`on_any`, before those that are there."""
        self.incoming = (function, *self.incoming)
        return function

    def off_any(self, function: Callable[..., Any] | None = None) -> None:
        """Forget one incoming catch-all, or all."""
        self.incoming = _without(self.incoming, function)

    def on_any_outgoing(self, function: Function) -> Function:
        """Call ``function(event, *args)`` for every event that goes out; acknowledgements are none."""
        self.outgoing = (*self.outgoing, function)
        return function

    def prepend_any_outgoing(self, function: Function) -> Function:
        """As :meth:`on_any_outgoing`, before those that are there."""
        self.outgoing = (function, *self.outgoing)
        return function

    def off_any_outgoing(self, function: Callable[..., Any] | None = None) -> None:
        """Forget one outgoing catch-all, or all."""
        self.outgoing = _without(self.outgoing, function)

    def otherwise(self, function: Fallback) -> None:
        """Call ``function(event, args, ack)`` for every event that has no listener."""
        self.fallback = function

    def use(self, middleware: Function) -> Function:
        """Call ``middleware(event, args)`` before each event's listeners; an exception keeps the event from them."""
        self.middlewares = (*self.middlewares, middleware)
        return middleware

    def _adder(self, event: str, *, once: bool) -> Callable[[Function], Function]:
        def add(function: Function) -> Function:
            if self.listeners is NOBODY:
                self.listeners = Listeners()
            self.listeners.add(event, function, once=once)
            return function

        return add


def _without(
    functions: tuple[Callable[..., Any], ...], function: Callable[..., Any] | None
) -> tuple[Callable[..., Any], ...]:
    return () if function is None else tuple(each for each in functions if each != function)
