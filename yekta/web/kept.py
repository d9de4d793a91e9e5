"""Small files of ours, read when somebody first asks for them, and kept in memory from then on. They are sent piece by
piece: a client that does not read holds a piece and no file.

They are sent whole: a range would save nobody anything, and thousands of them may be asked for at once.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.web import http
from twisted.web.server import NOT_DONE_YET
from twisted.web.static import File, getTypeAndEncoding
from zope.interface import implementer

# In bytes: Twisted's transports are full when they hold more. A slow client has one time-out for each.
PIECE = 1 << 16

# Twisted's, which knows no source maps.
_KINDS = {**File.contentTypes, ".map": "application/json"}


class KeptFile:
    """The file at ``path``, as it is when somebody first asks for it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kind: str = getTypeAndEncoding(path.name, _KINDS, {}, "text/html")[0]

    def render(self, request: http.Request) -> bytes | int:
        """Answer a GET or HEAD."""
        try:
            content, changed = self._kept
        except OSError:
            request.setResponseCode(404)
            return b""
        if request.setLastModified(changed) is http.CACHED:
            return b""
        request.setHeader("content-type", self._kind)
        request.setHeader("content-length", str(len(content)))
        if request.method == b"HEAD":
            return b""
        request.registerProducer(sending := _Sending(request, content), True)
        sending.resumeProducing()
        return NOT_DONE_YET

    @cached_property
    def _kept(self) -> tuple[bytes, float]:
        return self._path.read_bytes(), self._path.stat().st_mtime


@implementer(IPushProducer)
class _Sending:
    """``content`` on its way to one client."""

    def __init__(self, request: Any, content: bytes) -> None:
        self._request = request
        self._rest = memoryview(content)
        self._flowing = True

    def resumeProducing(self) -> None:
        self._flowing = True
        while self._flowing and self._rest:
            piece, self._rest = self._rest[:PIECE], self._rest[PIECE:]
            self._request.write(bytes(piece))
        if not self._rest and self._request is not None:
            request, self._request = self._request, None
            request.unregisterProducer()
            request.finish()

    def pauseProducing(self) -> None:
        self._flowing = False

    def stopProducing(self) -> None:
        """The client is gone."""
        self._rest, self._request = self._rest[:0], None
