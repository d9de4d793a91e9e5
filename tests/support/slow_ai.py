"""An AI server that says ``Hello``, and ``, world`` when it is let."""

from __future__ import annotations

import socket
import threading

from tests.support.ai_servers import HEAD, AIServer
from tests.support.attacks import Wire
from tests.support.openai import chunk, event


class SlowAI(AIServer):
    """``go_on``: whether the second half may come."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        super().__init__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.go_on.set()

    def serve(self, wire: Wire, connection: socket.socket) -> None:
        wire.incoming()
        connection.sendall(HEAD + b"Connection: close\r\n\r\n" + event(chunk("Hello")))
        self.go_on.wait()
        connection.sendall(event(chunk(", world")) + event(chunk(None, finish_reason="stop")))
