"""A TCP client that says what it is told and answers nothing by itself: neither pings nor close frames."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from tests.support.patience import soon

reactor: Any = _reactor

_UPGRADE = (
    "GET /ws?token={token} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class RawNative(Protocol):
    """``lost`` fires with true when the server has gone; ``received`` is all that it said."""

    def __init__(self) -> None:
        self.received = b""
        self.lost: Deferred[bool] = Deferred()
        self._awaited: tuple[bytes, Deferred[None]] | None = None

    @classmethod
    async def open(cls, address: str) -> RawNative:
        """Connected, and silent."""
        host, _, port = address.partition(":")
        opened: RawNative = await connectProtocol(TCP4ClientEndpoint(reactor, host, int(port)), cls())
        soon(opened.lost)
        return opened

    @classmethod
    async def connect(cls, address: str, token: str) -> RawNative:
        """Welcomed, and silent from then on."""
        opened = await cls.open(address)
        opened.transport.write(_UPGRADE.format(address=address, token=token).encode())
        await opened.has_received(b'"connected"')
        return opened

    async def has_received(self, data: bytes) -> None:
        """Wait until ``data`` has come."""
        if data not in self.received:
            arrived: Deferred[None] = Deferred()
            self._awaited = data, arrived
            await soon(arrived)

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if self._awaited is not None and self._awaited[0] in self.received:
            (_, arrived), self._awaited = self._awaited, None
            arrived.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.callback(True)
