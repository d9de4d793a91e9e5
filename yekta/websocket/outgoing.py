"""What a WebSocket connection sends: all of one chunk that is handled, or of one turn of the reactor, in one write.

A client that does not read is not read from either, and what waits for it is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from yekta.websocket.deflate import PACKED, forget, pack
from yekta.websocket.frame import BINARY, TEXT, TEXT_HEADS, frame, head
from yekta.websocket.interfaces import IReceiver
from yekta.websocket.lean import LeanProtocol
from yekta.websocket.limits import SLOW_CONSUMER
from yekta.websocket.shared import SharedText

if TYPE_CHECKING:
    from yekta.websocket.factory import WebSocketFactory

_OPEN = LeanProtocol.STATE_OPEN
_COMMON = len(TEXT_HEADS)

# As much is gathered, in bytes, before it is handed to the transport in the middle of a turn.
GATHERED = 1 << 16

# See `Outgoing._room`.
IDLE = -1

# As long as the head of a frame may be, in bytes: many empty texts take room too.
_HEAD = 10

# What each frame that waits for a client takes besides its bytes: an object, and its place in a list.
OVERHEAD = 48


@implementer(IPushProducer)
class Outgoing(LeanProtocol):
    """The sending half of `yekta.websocket.protocol.WebSocket`."""

    factory: WebSocketFactory
    receiver: IReceiver
    writable = True
    # What waits to be sent: for the end of the chunk or turn, or for a client that does not read; and its bytes.
    _waiting: list[bytes] | None = None
    _size = 0
    # How many more bytes the short way may gather, which looks at nothing but this; 0 is none: something has happened
    # that `_gather` has to look at, such as a client that does not read. `IDLE` while no chunk is handled.
    _room = IDLE
    _at_once = False
    # Whether what comes next begins a message, as far as is known; it is looked at again where it does not.
    _common: bool

    def connectionMade(self) -> None:
        self._at_once = hasattr(self.transport, "write_now")
        # Looked up for every message, where what a class has takes seven times as long as what an object has.
        self._common = self.writable = True
        self._perMessageCompress = None

    @property
    def compressing(self) -> bool:
        return self._perMessageCompress is not None

    def send_text(self, text: str) -> None:
        self.send_encoded(text.encode())

    def send_encoded(self, text: bytes) -> None:
        length = len(text)
        room = self._room - length - _HEAD
        if room > 0:
            self._room = room
            data = (TEXT_HEADS[length] if length < _COMMON else head(TEXT, length)) + text
            self._waiting.append(data)  # type: ignore[union-attr]
        elif self._perMessageCompress is not None:
            self._send_compressible(TEXT, text)
        else:
            self.send_frame(frame(TEXT, text))

    def send_binary(self, data: bytes) -> None:
        if not self.compressing:
            self.send_frame(frame(BINARY, data))
        else:
            self._send_compressible(BINARY, data)

    def send_frame(self, frame: bytes) -> None:
        if self.state == _OPEN:
            self._gather(frame)

    def send_shared(self, shared: SharedText) -> None:
        compression = self._perMessageCompress
        if compression is None or len(shared.text) < (self.factory.limits.deflate_threshold or 0):
            self.send_frame(shared.frame)
        elif self.state == _OPEN:
            forget(compression)
            self._gather(shared.packed(compression.server_max_window_bits))

    def _send_compressible(self, kind: int, payload: bytes) -> None:
        if self.state == _OPEN:
            if len(payload) >= (self.factory.limits.deflate_threshold or 0):
                kind, payload = kind | PACKED, pack(self._perMessageCompress, payload)
            self._gather(frame(kind, payload))

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Autobahn's one way out: handshakes and control frames go at once, after what was gathered."""
        if self._waiting is None and self.writable and self._room == IDLE:
            self._waiting = [data]
        else:
            self._gather(data)
        if self._room == IDLE:
            self.flush()

    def _leave_short_way(self) -> None:
        """What else is sent while this chunk is handled goes by `_gather`."""
        if self._room > 0:
            self._size, self._room = GATHERED - self._room, 0

    def _gather(self, data: bytes) -> None:
        """Send ``data`` together with what else is sent while this chunk is handled, or else in this turn."""
        if self._room > 0:
            self._leave_short_way()
        waiting = self._waiting
        if waiting is not None:
            waiting.append(data)
        else:
            self._waiting = [data]
            if self._room == IDLE:
                self.factory.flush_soon(self)
        self._size += len(data)
        if not self.writable:
            self._size += OVERHEAD
            if self._size > self.factory.limits.max_queued:
                self.abort(SLOW_CONSUMER)
        elif self._size > GATHERED:
            self.flush()

    def flush(self) -> None:
        """Hand what was gathered to the transport, unless the client does not read."""
        waiting = self._waiting
        if self.writable:
            self._waiting, self._size = None, 0
            if not waiting:
                # A chunk without an answer, or it has gone already.
                return
            data = waiting[0] if len(waiting) == 1 else b"".join(waiting)
            # As `yekta.web.transports.sender`, which would be an object for each connection.
            if self._at_once:
                self.transport.write_now(data)
            else:
                self.transport.write(data)

    # -- IPushProducer: the transport says whether the client reads --------------------------------------

    def pauseProducing(self) -> None:
        self._leave_short_way()
        self.writable = self._common = False
        if self.state == _OPEN:
            self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        self.writable = True
        self.flush()
        if self.writable and self.state == _OPEN:
            self._read_on()
            self.receiver.drained()
            self.consumeData()

    def _read_on(self) -> None:
        # Who rests has enough to handle.
        if self not in self.factory.rests:
            self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The transport is going away; `connectionLost` follows."""

    def abort(self, reason: str = "") -> None:
        """Cut the connection."""
        raise NotImplementedError
