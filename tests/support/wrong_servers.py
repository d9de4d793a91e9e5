"""Servers that do not do what a client may expect of them, in the test's own reactor."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from tests.support.patience import soon

reactor: Any = _reactor

# RFC 6455, 1.3.
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def upgraded(after: bytes = b"") -> Callable[[bytes], bytes]:
    """Answers an upgrade as it should be, and goes on with ``after``."""

    def answer(request: bytes) -> bytes:
        found = re.search(rb"(?i)sec-websocket-key: *(\S+)", request)
        assert found is not None
        accept = base64.b64encode(hashlib.sha1(found[1] + _GUID).digest())
        head = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        )
        return head + accept + b"\r\n\r\n" + after

    return answer


class _Wrong(Protocol):
    def connectionMade(self) -> None:
        self.factory.connections += 1
        self._came = bytearray()

    def dataReceived(self, data: bytes) -> None:
        self._came += data
        if b"\r\n\r\n" in self._came and not self.factory.asked:
            self.factory.asked = bytes(self._came)
            self.transport.write(self.factory.answer(self.factory.asked))
            if self.factory.closes:
                self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.factory.ended.called:
            self.factory.ended.callback(None)


class WrongServer(Factory):
    """Says ``answer`` to the first request, and then nothing, or ``closes``. ``ended``: its connection is no more."""

    protocol = _Wrong

    def __init__(self, answer: bytes | Callable[[bytes], bytes], closes: bool = False) -> None:
        self.answer = answer if callable(answer) else lambda _: answer
        self.closes = closes
        self.connections = 0
        self.asked = b""
        self.ended: Deferred[None] = Deferred()
        self.url = ""


@asynccontextmanager
async def wrong(
    answer: bytes | Callable[[bytes], bytes], closes: bool = False, interface: str = "127.0.0.1"
) -> AsyncIterator[WrongServer]:
    """One that listens, and whose connection has ended at the end."""
    server = WrongServer(answer, closes)
    port = reactor.listenTCP(0, server, interface=interface)
    host = f"[{interface}]" if ":" in interface else interface
    server.url = f"http://{host}:{port.getHost().port}"
    try:
        yield server
        if server.connections:
            await soon(server.ended)
    finally:
        await port.stopListening()
