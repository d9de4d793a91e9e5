"""An AI server that says ``Hello``, and ``, world`` when it is let."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from typing import Self

from tests.support.attacks import Over, Wire

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


class SlowAI:
    """``go_on``: whether the second half may come."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self.go_on = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.go_on.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with Wire.of(connection) as wire, suppress(Over, OSError):
            wire.incoming()
            connection.sendall(_HEAD + _event("Hello"))
            self.go_on.wait()
            connection.sendall(_event(", world") + _event("", "stop"))


def _event(text: str, reason: str | None = None) -> bytes:
    choice = {"delta": {"content": text}, "finish_reason": reason}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"
