"""Namespaces that are made when clients ask for them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from yekta.socketio.namespace import Namespace
from yekta.socketio.welcoming import Welcoming

if TYPE_CHECKING:
    from yekta.socketio.server import Server


class ParentNamespace(Welcoming):
    """Makes a namespace for every name that it ``matches``, with its own middlewares and listeners.

    A namespace that its last socket has left goes away again, unless ``keep`` says otherwise; one that nobody was let
    into always does.
    """

    def __init__(
        self,
        server: Server,
        matches: re.Pattern[str] | Callable[[str, dict[str, Any]], bool | Awaitable[bool]],
        *,
        keep: bool = False,
    ) -> None:
        super().__init__()
        self.children: set[Namespace] = set()
        self._server = server
        self._matches = matches
        self._keep = keep

    def match(self, name: str, auth: dict[str, Any]) -> bool | Awaitable[bool]:
        """Whether ``name`` is one of ours."""
        return self.owns(name) if isinstance(self._matches, re.Pattern) else self._matches(name, auth)

    def owns(self, name: str) -> bool:
        """Whether ``name`` is one of ours, whoever asks for it: what a function would say, only a client can learn."""
        return isinstance(self._matches, re.Pattern) and self._matches.search(name) is not None

    def create(self, name: str, *, stays: bool = False) -> Namespace:
        """The namespace that a client asks for, or the application: its own ``stays``."""
        namespace = Namespace(self._server, name, None if stays else self)
        namespace.middlewares = self.middlewares
        namespace.connection_listeners = self.connection_listeners
        self.children.add(namespace)
        return namespace

    def emit(self, event: str, *args: Any) -> None:
        """Send an event to all sockets of all namespaces made so far."""
        for namespace in tuple(self.children):
            namespace.emit(event, *args)

    def child_empty(self, namespace: Namespace) -> None:
        """Nobody is left in ``namespace``. It waits for those who may come back to what they missed."""
        if (self._keep and namespace.was_joined) or (namespace.adapter.awaits and self._server.linger(namespace)):
            return
        self.children.discard(namespace)
        self._server.drop(namespace)
