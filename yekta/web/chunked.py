"""Bodies in chunks (RFC 9112, 7.1), a turn at a time: a segment of 64 KiB may hold eleven thousand of one byte, and
each costs as much as a large one."""

from __future__ import annotations

from collections.abc import Callable

from twisted.web.http import _ChunkedTransferDecoder

# How much is decoded, in bytes, before it is asked whether the turn is over: some 2 ms at the most.
PIECE = 4096

# Of the fields after a body, in bytes. Nobody looks at them; the shortest take twenty times as much until all are here.
MAX_TRAILERS = 4096


class Chunked(_ChunkedTransferDecoder):
    """As Twisted's, but it stops where ``is_due()``, and goes on when it is given more, be it nothing."""

    def __init__(
        self,
        content_received: Callable[[bytes], None],
        ended: Callable[[bytes], None],
        is_due: Callable[[], bool],
    ) -> None:
        super().__init__(content_received, ended)
        self._maxTrailerHeadersSize = MAX_TRAILERS
        self._is_due = is_due
        self._rest = b""

    def dataReceived(self, data: bytes) -> None:
        """As Twisted's."""
        self._rest += data
        while self._rest and not self._is_due():
            piece, self._rest = self._rest[:PIECE], self._rest[PIECE:]
            super().dataReceived(piece)

    def take_rest(self) -> bytes:
        """What has come and was not decoded. Where a body has ended, it comes after what ``ended`` was told."""
        rest, self._rest = self._rest, b""
        return rest
