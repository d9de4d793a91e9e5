"""A request of twisted.web with a bound on its body, which stays in memory."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger
from twisted.web import server

from yekta.rests import LONG
from yekta.web.long_bodies import LongBody

if TYPE_CHECKING:
    from yekta.web.channel import Channel


class _Failures(Logger):
    """Of a request, only what fails is told: of HEAD, twisted.web would tell each time what it does about the body, and
    all that was asked for."""

    def info(self, format: str | None = None, **values: object) -> None:
        """See the class."""


class BoundedRequest(server.Request):
    """A request whose body is counted while it arrives."""

    channel: Channel
    _log = _Failures()
    _received = 0
    _began: float | None = None

    def getHeader(self, key: Any) -> Any:
        """As Twisted's, but text is Latin-1, which every header is: Twisted's fails where one is not UTF-8."""
        if isinstance(key, bytes):
            return super().getHeader(key)
        value = super().getHeader(key.encode())
        return None if value is None else value.decode("latin-1")

    def getRequestHostname(self) -> bytes:
        """Nothing of ours depends on what a client calls us; Klein would fail where that is no name."""
        return b"localhost"

    def parseCookies(self) -> None:
        """Whoever wants one finds it in its field: thousands would be taken out of 16 KiB, and kept for nobody."""

    def gotLength(self, length: int | None) -> None:
        self._began = self.channel.site.reactor.seconds()
        hosts, is_old = self.requestHeaders.getRawHeaders(b"host", ()), self.channel._version == b"HTTP/1.0"
        if is_old:
            # RFC 9110, 7.8. A proxy that speaks so would go on reading HTTP where both ends speak otherwise.
            self.requestHeaders.removeHeader(b"upgrade")
        if len(hosts) > 1 or not (hosts or is_old):
            # RFC 9112, 3.2: whoever passed it on may have gone by another one.
            self.channel.refuse(self, 400, "Bad Request")
        elif length is not None and length > self.channel.site.limits.max_body:
            self.channel.refuse_body(self)
        # Twisted's is a file where it may be long: as many would be open as there are connections.
        self.content = BytesIO()

    def write(self, data: bytes) -> None:
        """The first byte takes the headers along, as the short path's: strangers need not know what serves them."""
        if not self.startedWriting:
            self.responseHeaders.removeHeader(b"server")
            if self.channel is not None and self.channel.site.parting:
                self.setHeader(b"connection", b"close")
                self.channel.persistent = False
        super().write(data)

    @property
    def is_promised(self) -> bool:
        """Whether the client was told how long the answer is that it has begun to get."""
        return bool(self.startedWriting) and self.responseHeaders.hasHeader(b"content-length")

    def seconds(self) -> float:
        """Since the head was complete; 0 before."""
        return 0.0 if self._began is None else float(self.channel.site.reactor.seconds() - self._began)

    def handleContentChunk(self, data: bytes) -> None:
        if self._disconnected:
            return
        self._received += len(data)
        if self._received > self.channel.site.limits.max_body:
            self.channel.refuse_body(self)
        else:
            super().handleContentChunk(data)

    def process(self) -> None:
        """Called by Twisted once it has arrived whole."""
        if self._received > LONG:
            serve = super().process
            LongBody(self.channel.site.rests, self.channel.transport, serve, lambda: self._disconnected).arrived()
        else:
            super().process()
