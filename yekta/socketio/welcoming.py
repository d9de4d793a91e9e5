"""Who may come in, and who is told: the part that a namespace and a parent of namespaces share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from yekta.socketio.listeners import Function

if TYPE_CHECKING:
    from yekta.socketio.socket import Socket


@attrs.frozen
class Middleware:
    """``always``: also for clients whose connection is recovered, whose other middlewares may be skipped. ``first``:
    of those who say that theirs is to be, already before it is looked for."""

    function: Callable[[Socket], Any]
    always: bool
    first: bool


class Welcoming:
    """Who may come in, and who is told: the part that a namespace and a parent of namespaces share."""

    def __init__(self) -> None:
        self.middlewares: tuple[Middleware, ...] = ()
        self.connection_listeners: tuple[Callable[[Socket], Any], ...] = ()

    def use(self, middleware: Function, *, always: bool = False, first: bool = False) -> Function:
        """Ask ``middleware(socket)`` about each new socket; `ConnectError` refuses it. It may be ``async``."""
        self.middlewares = (*self.middlewares, Middleware(middleware, always, first))
        return middleware

    def on_connection(self, listener: Function) -> Function:
        """Call ``listener(socket)`` for each new socket, after the client has been told that it is connected."""
        self.connection_listeners = (*self.connection_listeners, listener)
        return listener
