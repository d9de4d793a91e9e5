"""The access log: one line for each HTTP request, with nothing in it that is a client's to choose.

A path may hold an id or whatever somebody typed, so only the words that routes are made of are shown. What is served
below a quiet path is told of only where it is refused: a poll of Engine.IO is a message, and messages are not logged.
"""

from __future__ import annotations

from collections.abc import Collection

from twisted.logger import Logger

from yekta.informing import inform

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
_HIDDEN = "…"


class AccessLog:
    """``words``: those that a path may show. ``quiet``: where only refusals are told of."""

    _log = Logger()

    def __init__(self, words: Collection[str], quiet: str = "/socket.io") -> None:
        self._words = frozenset(words) | {""}
        self._quiet = quiet

    def request(self, method: str, path: str, status: int, size: int, seconds: float, address: str) -> None:
        """A request was answered. ``path`` may have a query; ``size``: bytes of the body."""
        if status < 400 and path.startswith(self._quiet):
            return
        inform(
            self._log,
            "{method} {path} {status} {size} B {milliseconds} ms {address}",
            method=method if method in _METHODS else _HIDDEN,
            path=self._shown(path.partition("?")[0]),
            status=status,
            size=size,
            milliseconds=round(seconds * 1000),
            address=address or "a local socket",
        )

    def _shown(self, path: str) -> str:
        shown = [segment if segment in self._words else _HIDDEN for segment in path.split("/", 8)]
        return "/".join(shown)
