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
from typing import Any, Self

from tests.support.attacks import Over, Wire

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
_LAST = b"Content-Length: 19\r\nConnection: close\r\n\r\n"
_PART = 1 << 16

# Seconds that the other side has to hang up.
_PATIENCE = 10.0

# Parts of 64 KB after which even a patient reader would have been had.
_ENOUGH = 1000


def _event(delta: dict[str, str], reason: str | None = None) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta, "finish_reason": reason}]}).encode() + b"\n\n"


def _repeated(first: bytes, part: bytes) -> Iterator[bytes]:
    yield first
    for _ in range(_ENOUGH):
        yield part


BEHAVIOURS = {
    "hello": lambda: iter([_HEAD + b"Connection: close\r\n\r\n", _event({"content": "hello"}), _event({}, "stop")]),
    "huge line": lambda: _repeated(_HEAD + b"\r\ndata: ", b"x" * _PART),
    "huge event": lambda: _repeated(_HEAD + b"\r\n", b"data: x\n" * (_PART // 8)),
    "comments without end": lambda: _repeated(_HEAD + b"\r\n", b":x\n" * (_PART // 3)),
    "line ends without end": lambda: _repeated(_HEAD + b"\r\n", b"\r\n" * (_PART // 2)),
    "an answer without end": lambda: _repeated(_HEAD + b"\r\n", _event({"content": "x" * 1000}) * 60),
    "thoughts without end": lambda: _repeated(_HEAD + b"\r\n", _event({"reasoning_content": "x" * 1000}) * 60),
    "gzip bomb": lambda: iter([_HEAD + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(bytes(200_000_000)), b""]),
    "a head without end": lambda: _repeated(b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n" * (_PART // 8)),
    "a header without end": lambda: _repeated(b"HTTP/1.1 200 OK\r\nX-A: ", b"x" * _PART),
    "deep JSON": lambda: iter([_HEAD + b"\r\n", b"data: " + b"[" * 60_000 + b"\n\n"]),
    "another place": lambda: iter([b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n" + _LAST + b"x" * 19]),
    "an error that tells all": lambda: iter([b"HTTP/1.1 401 No\r\n" + _LAST + b"key sk-secret of us"]),
    "nothing": lambda: iter(()),
}


class Upstream:
    """See the module. ``heads``: of all requests, for who wants to know what was asked."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self.heads: list[bytes] = []
        self._visits: dict[str, list[threading.Event]] = {name: [] for name in BEHAVIOURS}
        self._came = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

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

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        wire = Wire.of(connection)
        with wire, suppress(Over, OSError):
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
