"""A WebSocket to await: Autobahn's client, and nothing of any protocol that is spoken through it (RFC 6455)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.client import URI

from yekta.command.failure import CommandError
from yekta.command.network import UNREACHABLE, Network, origin, unreachable, within

_MAX_WAITING = 10_000

# Bytes: who gives a reason says it in few words.
_MAX_REASON = 200


class Closed(CommandError):
    """The other side is gone; ``code`` of RFC 6455, 7.4."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"The connection was closed ({code}{f': {reason}' if reason else ''}).")
        self.code = code


class WebSocket(WebSocketClientProtocol):
    """Made by `connect`. What has come and was not received yet is kept, within a bound."""

    http_status_line = ""
    http_headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self) -> None:
        super().__init__()
        self.opened: Deferred[None] = Deferred()
        self._came: deque[str | bytes] = deque()
        self._waiting: Deferred[None] | None = None
        self._closed: Closed | None = None
        self._lost = connectionDone

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

    def abort(self) -> None:
        """End the connection at once."""
        self.dropConnection(abort=True)

    # -- called by Autobahn --------------------------------------------------------------------------------

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost = reason
        if self.closeHandshakeTimeoutCall is not None:
            # Autobahn forgets this one.
            self.closeHandshakeTimeoutCall.cancel()
        super().connectionLost(reason)

    def onOpen(self) -> None:
        self.opened.callback(None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self._came.append(payload if isBinary else payload.decode())
        if len(self._came) > _MAX_WAITING:
            self.dropConnection(abort=True)
        self._wake()

    def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> Any:
        ends = super().onCloseFrame(code, reasonRaw)
        # Autobahn would wait without end for the other side to drop the connection.
        self._end(Closed(1005 if code is None else code, self.remoteCloseReason or ""))
        return ends

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        if not self.opened.called:
            status_line = self.http_status_line
            self.opened.errback(Refused(status_line, self._why()) if status_line else Unanswered([self._lost]))
        self._end(Closed(code, reason or "" if wasClean else ""))

    def _why(self) -> str:
        """What the answer that refuses says beside its status, if it came at once, and for people."""
        body = bytes(self.data).partition(b"\r\n\r\n")[2]
        told = self.http_headers.get("content-type", ""), self.http_headers.get("content-length")
        if not told[0].startswith("text/plain") or told[1] != str(len(body)) or len(body) > _MAX_REASON:
            return ""
        return body.decode(errors="replace").strip().rstrip(".")

    def _end(self, closed: Closed) -> None:
        if self._closed is None:
            self._closed = closed
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.called:
            waiting.callback(None)


class Refused(CommandError):
    """The upgrade was; ``status`` is HTTP's, 0 where it is no number."""

    def __init__(self, status_line: str, why: str = "") -> None:
        parts = status_line.split(" ", 2)
        self.status = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        sentence = f"The WebSocket was refused: {' '.join(parts[1:]) or 'no HTTP answer'}"
        super().__init__(f"{sentence}: {why}." if why else f"{sentence}.")


@attrs.define(eq=False)
class Unanswered(Exception):
    """The connection was lost before the upgrade was answered; ``reasons`` as Twisted's errors have them."""

    reasons: list[Failure]


async def connect(network: Network, url: str, headers: Mapping[str, str] | None = None) -> WebSocket:
    """Open ``url``, of HTTP's scheme. Raises :class:`Refused`, or :class:`CommandError` where nobody answers."""
    factory = _factory(network, url, headers)
    uri = URI.fromBytes(origin(url).encode())
    try:
        connecting: Deferred[Any] = network.endpointForURI(uri).connect(factory)
        protocol = await within(network.timeout, connecting, network.reactor)
        # A TLS wrapper is what the endpoint gives back.
        websocket: WebSocket = getattr(protocol, "wrappedProtocol", protocol)
        await _open(websocket, network)
    except (*UNREACHABLE, Unanswered) as error:
        raise unreachable(url, error) from None
    return websocket


async def _open(websocket: WebSocket, network: Network) -> None:
    try:
        await within(network.timeout, websocket.opened, network.reactor)
    except TimeoutError:
        websocket.abort()
        raise


def _factory(network: Network, url: str, headers: Mapping[str, str] | None) -> Any:
    factory: Any = WebSocketClientFactory("ws" + url.removeprefix("http"), headers=dict(headers or {}))
    factory.protocol = WebSocket
    factory.noisy = False
    if ":" in factory.host:
        # Autobahn writes it into Host as it is; RFC 3986, 3.2.2.
        factory.host = f"[{factory.host}]"
    factory.setProtocolOptions(
        openHandshakeTimeout=0,
        closeHandshakeTimeout=1,
        tcpNoDelay=True,
        # Whoever is gone without a word does not answer a ping. Autobahn takes up to a second off.
        autoPingInterval=network.timeout + 1,
        autoPingTimeout=network.timeout + 1,
    )
    return factory
