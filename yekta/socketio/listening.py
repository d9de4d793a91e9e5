"""What an application wants to hear from a socket. The registry only; `calls` does the calling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import attrs

from yekta.socketio.listeners import Function, Listeners

Fallback = Callable[[str, list[Any], Callable[..., None]], Any]


class Owner(Protocol):
    """An object that has a socket to itself, as ``socket.owner``: told what no listener is, without one of its own."""

    def event_received(self, event: str, args: list[Any], ack: Callable[..., None]) -> None:
        """As `Listening.otherwise`: every event that has no listener."""

    def drained(self) -> None:
        """The client, having been behind, can take more."""

    def left(self, reason: str, description: str) -> None:
        """The socket has left; the listeners of ``disconnect`` know already, and of both."""


@attrs.define(eq=False)
class Audience:
    """Those who listen to one socket. Tuples are safe to walk."""

    listeners: Listeners = attrs.field(factory=Listeners)
    incoming: tuple[Callable[..., Any], ...] = ()
    outgoing: tuple[Callable[..., Any], ...] = ()
    middlewares: tuple[Callable[..., Any], ...] = ()
    fallback: Fallback | None = None


# Those who listen to all the sockets that nobody listens to.
NOBODY = Audience()


class Listening:
    """The listening half of a socket. ``audience``: its own from the first listener on."""

    __slots__ = ("audience", "owner")

    def __init__(self) -> None:
        self.audience = NOBODY
        self.owner: Owner | None = None

    def _listened(self) -> Audience:
        if self.audience is NOBODY:
            self.audience = Audience()
        return self.audience

    def on(self, event: str) -> Callable[[Function], Function]:
        """Decorator: call a function for every ``event``; ``disconnecting`` and ``disconnect`` get the reason."""
        return self._adder(event, once=False)

    def once(self, event: str) -> Callable[[Function], Function]:
        """Decorator: call a function for the next ``event`` only."""
        return self._adder(event, once=True)

    def off(self, event: str | None = None, function: Callable[..., Any] | None = None) -> None:
        """Forget a listener, all of an event, or all."""
        self._listened().listeners.remove(event, function)

    def on_any(self, function: Function) -> Function:
        """Call ``function(event, *args)`` for every event that comes in, before its listeners."""
        audience = self._listened()
        audience.incoming = (*audience.incoming, function)
        return function

    def prepend_any(self, function: Function) -> Function:
        """As :meth:`on_any`, before those that are there."""
        audience = self._listened()
        audience.incoming = (function, *audience.incoming)
        return function

    def off_any(self, function: Callable[..., Any] | None = None) -> None:
        """Forget one incoming catch-all, or all."""
        audience = self._listened()
        audience.incoming = _without(audience.incoming, function)

    def on_any_outgoing(self, function: Function) -> Function:
        """Call ``function(event, *args)`` for every event that goes out; acknowledgements are none."""
        audience = self._listened()
        audience.outgoing = (*audience.outgoing, function)
        return function

    def prepend_any_outgoing(self, function: Function) -> Function:
        """As :meth:`on_any_outgoing`, before those that are there."""
        audience = self._listened()
        audience.outgoing = (function, *audience.outgoing)
        return function

    def off_any_outgoing(self, function: Callable[..., Any] | None = None) -> None:
        """Forget one outgoing catch-all, or all."""
        audience = self._listened()
        audience.outgoing = _without(audience.outgoing, function)

    def otherwise(self, function: Fallback) -> None:
        """Call ``function(event, args, ack)`` for every event that has no listener."""
        self._listened().fallback = function

    def use(self, middleware: Function) -> Function:
        """Call ``middleware(event, args)`` before each event's listeners; an exception keeps the event from them."""
        audience = self._listened()
        audience.middlewares = (*audience.middlewares, middleware)
        return middleware

    def _adder(self, event: str, *, once: bool) -> Callable[[Function], Function]:
        def add(function: Function) -> Function:
            self._listened().listeners.add(event, function, once=once)
            return function

        return add


def _without(
    functions: tuple[Callable[..., Any], ...], function: Callable[..., Any] | None
) -> tuple[Callable[..., Any], ...]:
    return () if function is None else tuple(each for each in functions if each != function)
