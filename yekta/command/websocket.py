"""A WebSocket to await: Autobahn's client, and nothing of any protocol that is spoken through it (RFC 6455)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.defer import Deferred
from twisted.web.client import URI

from yekta.command.failure import CommandError
from yekta.command.network import UNREACHABLE, Network, origin, unreachable

_MAX_WAITING = 10_000


class Closed(Exception):
    """The other side is gone; ``code`` of RFC 6455, 7.4."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"The connection was closed ({code}{f': {reason}' if reason else ''}).")
        self.code = code


class WebSocket(WebSocketClientProtocol):
    """Made by `connect`. What has come and was not received yet is kept, within a bound."""

    http_status_line = ""

    def __init__(self) -> None:
        super().__init__()
        self.opened: Deferred[None] = Deferred()
        self._came: deque[str | bytes] = deque()
        self._waiting: Deferred[None] | None = None
        self._closed: Closed | None = None

    async def receive(self) -> str | bytes:
        """The next message. Raises :class:`Closed`."""
        while not self._came:
            if self._closed is not None:
                raise self._closed
            self._waiting = Deferred()
            await self._waiting
        return self._came.popleft()

    def send(self, text: str) -> None:
        """Send a text message."""
        self.sendMessage(text.encode())

    def close(self) -> None:
        """Begin the closing handshake."""
        self.sendClose(1000)

    # -- called by Autobahn --------------------------------------------------------------------------------

    def onOpen(self) -> None:
        self.opened.callback(None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self._came.append(payload if isBinary else payload.decode())
        if len(self._came) > _MAX_WAITING:
            self.dropConnection(abort=True)
        self._wake()

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        self._closed = Closed(code, reason or "" if wasClean else "")
        if not self.opened.called:
            self.opened.errback(Refused(self.http_status_line))
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.called:
            waiting.callback(None)


class Refused(CommandError):
    """The upgrade was; ``status`` is HTTP's, 0 where there was none."""

    def __init__(self, status_line: str) -> None:
        parts = status_line.split(" ", 2)
        self.status = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        super().__init__(f"The WebSocket was refused: {' '.join(parts[1:]) or 'no HTTP answer'}.")


async def connect(network: Network, url: str, headers: Mapping[str, str] | None = None) -> WebSocket:
    """Open ``url``, of HTTP's scheme. Raises :class:`Refused`, or :class:`CommandError` where nobody answers."""
    factory: Any = WebSocketClientFactory("ws" + url.removeprefix("http"), headers=dict(headers or {}))
    factory.protocol = WebSocket
    factory.noisy = False
    factory.setProtocolOptions(openHandshakeTimeout=network.timeout, closeHandshakeTimeout=1, tcpNoDelay=True)
    uri = URI.fromBytes(origin(url).encode())
    try:
        connecting: Deferred[Any] = network.endpointForURI(uri).connect(factory)
        protocol = await connecting.addTimeout(network.timeout, network.reactor)
        # A TLS wrapper is what the endpoint gives back.
        websocket: WebSocket = getattr(protocol, "wrappedProtocol", protocol)
        await websocket.opened
    except UNREACHABLE as error:
        raise unreachable(url, error) from None
    return websocket
