"""An AI server that means harm: what somebody asks decides how it answers, byte by byte, until it is hung up on.

    with Upstream() as upstream:
        before = upstream.count("huge line")
        … AI_BASE_URL=upstream.base_url …, and ask for "huge line"
        assert upstream.hung_up("huge line", before)    # waits until the other side has had enough
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from tests.support.ai_servers import HEAD, AIServer
from tests.support.attacks import Wire
from tests.support.openai import chunk, event

_LAST = b"Content-Length: 19\r\nConnection: close\r\n\r\n"
_END = event(chunk(None, finish_reason="stop"))
_PART = 1 << 16

# Seconds that the other side has to hang up.
_PATIENCE = 10.0

# Parts of 64 KB after which even a patient reader would have been had.
_ENOUGH = 1000


def _repeated(first: bytes, part: bytes) -> Iterator[bytes]:
    yield first
    for _ in range(_ENOUGH):
        yield part


BEHAVIOURS = {
    "hello": lambda: iter([HEAD + b"Connection: close\r\n\r\n", event(chunk("hello")), _END]),
    "huge line": lambda: _repeated(HEAD + b"\r\ndata: ", b"x" * _PART),
    "huge event": lambda: _repeated(HEAD + b"\r\n", b"data: x\n" * (_PART // 8)),
    "comments without end": lambda: _repeated(HEAD + b"\r\n", b":x\n" * (_PART // 3)),
    "line ends without end": lambda: _repeated(HEAD + b"\r\n", b"\r\n" * (_PART // 2)),
    "an answer without end": lambda: _repeated(HEAD + b"\r\n", event(chunk("x" * 1000)) * 60),
    "thoughts without end": lambda: _repeated(HEAD + b"\r\n", event(chunk("x" * 1000, "reasoning_content")) * 60),
    "gzip bomb": lambda: iter([HEAD + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(bytes(200_000_000)), b""]),
    "a head without end": lambda: _repeated(b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n" * (_PART // 8)),
    "a header without end": lambda: _repeated(b"HTTP/1.1 200 OK\r\nX-A: ", b"x" * _PART),
    "deep JSON": lambda: iter([HEAD + b"\r\n", b"data: " + b"[" * 60_000 + b"\n\n"]),
    "another place": lambda: iter([b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n" + _LAST + b"x" * 19]),
    "an error that tells all": lambda: iter([b"HTTP/1.1 401 No\r\n" + _LAST + b"key sk-secret of us"]),
    "nothing": lambda: iter(()),
}


class Upstream(AIServer):
    """See the module. ``heads``: of all requests, for who wants to know what was asked."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self._visits: dict[str, list[threading.Event]] = {name: [] for name in BEHAVIOURS}
        self._came = threading.Condition()
        super().__init__()

    def count(self, behaviour: str) -> int:
        """How many have asked for ``behaviour`` so far."""
        return len(self._visits[behaviour])

    def asked(self, behaviour: str, before: int, more: int = 1) -> bool:
        """Whether ``more`` ask for ``behaviour`` than those ``before``."""
        with self._came:
            return self._came.wait_for(lambda: self.count(behaviour) >= before + more, _PATIENCE)

    def hung_up(self, behaviour: str, before: int) -> bool:
        """Whether all who asked for ``behaviour`` since have hung up, one at least."""
        return self.asked(behaviour, before) and all(end.wait(_PATIENCE) for end in self._visits[behaviour][before:])

    def serve(self, wire: Wire, connection: socket.socket) -> None:
        head, body = wire.incoming()
        self.heads.append(head)
        name, end = _asked(body), threading.Event()
        with self._came:
            self._visits[name].append(end)
            self._came.notify_all()
        with suppress(OSError):
            for part in BEHAVIOURS[name]():
                connection.sendall(part)
            if name != "hello":
                wire.rest()
        end.set()


def _asked(body: bytes) -> str:
    asked: Any = json.loads(body)["messages"][-1]["content"] if body else "nothing"
    return str(asked)
