"""What AI servers of tests have in common: a loopback port, and a thread for each connection, in which they block."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

from tests.support.attacks import Over, Wire

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


class AIServer:
    """``base_url``: as AI_BASE_URL has it. `serve` is the rest."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def serve(self, wire: Wire, connection: socket.socket) -> None:
        """One connection, which is closed after it. It may be lost in the middle."""
        raise NotImplementedError

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with Wire.of(connection) as wire, suppress(Over, OSError):
            self.serve(wire, connection)
