"""One WebSocket connection over Autobahn: the only place that touches its protocol class.

Autobahn owns RFC 6455: opening and closing handshake, fragments, control frames, compression, violations. This class
adds what a gateway needs around it:

* the common case first: whole masked text frames are taken out of each chunk before Autobahn sees it (`frame`);
* replies to one chunk leave in one write, and reading stops while the client does not read (IPushProducer);
* bounds: message size (1009), fragments of a message (1008), bytes waiting for a client that does not read.

It knows nothing of Engine.IO or events; those are its receiver's (:class:`~yekta.websocket.interfaces.IReceiver`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from autobahn.twisted.websocket import WebSocketServerProtocol
from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from yekta.websocket.frame import BINARY, TEXT, frame, take_texts
from yekta.websocket.interfaces import IReceiver, IWebSocket
from yekta.websocket.limits import NO_CODE, PING_TIMEOUT, POLICY, SLOW_CONSUMER, TOO_BIG

if TYPE_CHECKING:
    from yekta.websocket.factory import WebSocketFactory


class _Silence:
    """Autobahn's log calls format requests and payloads; neither may reach a log."""

    def _drop(self, *args: object, **kwargs: object) -> None:
        """Nothing."""

    debug = info = warn = error = failure = _drop


@implementer(IWebSocket, IPushProducer)
class WebSocket(WebSocketServerProtocol):
    """See the module. States are Autobahn's: CONNECTING → OPEN → CLOSING → CLOSED."""

    log = _Silence()
    writable = True
    _cut_for = ""
    _opened = False
    receiver: IReceiver
    response_headers: dict[str, str]
    left: Callable[[], None]
    factory: WebSocketFactory
    data: bytes
    message_data: list[bytes] | None

    # -- opening ---------------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        self.peer = ""
        self._corked: list[bytes] | None = None
        self._queue: list[bytes] = []
        self._queued = 0
        self._fragments = 0
        self._pinged = False
        self.heard = False
        self._connectionMade()

    def open_at_once(self, answer: bytes, rest: bytes) -> None:
        """Begin open: the opening handshake was done elsewhere (`opening`), and ``answer`` is its 101."""
        self.websocket_version = 13
        self.websocket_protocol_in_use = None
        self.websocket_extensions_in_use: list[object] = []
        self.state = self.STATE_OPEN
        self.inside_message = False
        self.current_frame = None
        self.sendData(answer)
        self._onOpen()
        if rest:
            self.dataReceived(rest)

    def onConnect(self, request: object) -> tuple[None, dict[str, str]]:
        return None, self.response_headers

    def _onOpen(self) -> None:
        self.transport.registerProducer(self, True)
        self.factory.opened(self)
        self._opened = True
        self.receiver.opened(self)

    # -- receiving -------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        self.heard = True
        self.data = self.data + data if self.data else data
        self.consumeData()

    def processData(self) -> bool:
        """Take the next batch of common frames, or let Autobahn take one step. False: wait for more."""
        if not self.writable and self.state == self.STATE_OPEN:
            return False
        if self.current_frame is None and not self.inside_message and self.state == self.STATE_OPEN:
            payloads, rest = take_texts(self.data, self.factory.limits.max_message)
            if rest:
                self.data = self.data[rest:]
                self._texts_received(payloads)
                return bool(self.data)
        more: bool = super().processData()
        return more

    def _texts_received(self, payloads: list[bytes]) -> None:
        self.cork()
        try:
            for payload in payloads:
                if self.state != self.STATE_OPEN:
                    break
                try:
                    text = payload.decode()
                except UnicodeDecodeError:
                    self._invalid_payload("")
                    break
                self.receiver.text_received(text)
        finally:
            self.uncork()

    def onMessageFrameBegin(self, length: int) -> None:
        self._fragments += 1
        if self._fragments > self.factory.limits.max_fragments and not self.failedByMe:
            self._fail_connection(POLICY, "too many fragments")
        super().onMessageFrameBegin(length)

    def onMessageEnd(self) -> None:
        """As Autobahn's, without the Deferred that it makes for every message."""
        data, self.message_data, self._fragments = self.message_data, None, 0
        # What was under way when we closed is no longer wanted: as in a browser, and as in `_texts_received`.
        if self.state != self.STATE_OPEN:
            return
        payload = b"".join(data or ())
        if self.message_is_binary:
            self.receiver.binary_received(payload)
        else:
            self.receiver.text_received(payload.decode())

    def _max_message_size_exceeded(self, msg_size: int, max_msg_size: int, reason: str) -> None:
        self._fail_connection(TOO_BIG, "")

    @property
    def compressing(self) -> bool:
        return self._perMessageCompress is not None

    # -- sending ---------------------------------------------------------------------------------------

    def send_text(self, text: str) -> None:
        payload = text.encode()
        if not self.compressing:
            self.send_frame(frame(TEXT, payload))
        else:
            self._send_compressible(payload, binary=False)

    def send_binary(self, data: bytes) -> None:
        if not self.compressing:
            self.send_frame(frame(BINARY, data))
        else:
            self._send_compressible(data, binary=True)

    def send_frame(self, frame: bytes) -> None:
        if self.state == self.STATE_OPEN:
            self.sendData(frame)

    def _send_compressible(self, payload: bytes, *, binary: bool) -> None:
        threshold = self.factory.limits.deflate_threshold or 0
        if self.state == self.STATE_OPEN:
            self.sendMessage(payload, binary, doNotCompress=len(payload) < threshold)

    def cork(self) -> None:
        """Collect what is sent until :meth:`uncork`, to leave in one write."""
        self._corked = []

    def uncork(self) -> None:
        frames, self._corked = self._corked, None
        if frames:
            self.sendData(b"".join(frames))

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Autobahn's one way out, and ours: to the transport, or to wait where the client does not read."""
        if self._corked is not None:
            self._corked.append(data)
        elif self.writable:
            self.transport.write(data)
        elif self._queued + len(data) > self.factory.limits.max_queued:
            self.abort(SLOW_CONSUMER)
        else:
            self._queue.append(data)
            self._queued += len(data)

    # -- IPushProducer: the transport says whether the client reads --------------------------------------

    def pauseProducing(self) -> None:
        self.writable = False
        if self.state == self.STATE_OPEN:
            self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        self.writable = True
        waiting, self._queue, self._queued = self._queue, [], 0
        if waiting:
            self.transport.write(b"".join(waiting))
        if self.writable and self.state == self.STATE_OPEN:
            self.transport.resumeProducing()
            self.receiver.drained()
            self.consumeData()

    def stopProducing(self) -> None:
        """The transport is going away; `connectionLost` follows."""

    # -- closing ---------------------------------------------------------------------------------------

    def close(self, code: int | None, reason: str = "") -> None:
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code, _cut(reason) if code is not None else None)

    def sendCloseFrame(
        self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False
    ) -> None:
        if self._corked:
            self.uncork()
        super().sendCloseFrame(code, reasonUtf8, isReply)
        if self.droppedByMe:
            # There was no room for it.
            self.state = self.STATE_CLOSED
        elif self.state == self.STATE_CLOSING:
            self.factory.closing.start(self)
            self.transport.resumeProducing()

    def abort(self, reason: str = "") -> None:
        self._queue.clear()
        if self.state != self.STATE_CLOSED:
            self._cut_for = reason
            self.dropConnection(abort=True)
        else:
            # The transport may still be waiting for a client that does not read our goodbye.
            self.transport.abortConnection()

    def dropConnection(self, abort: bool = False) -> None:
        if self._corked:
            self.uncork()
        # What is queued for a client that does not read would be lost by an ordinary close, and wait for ever.
        super().dropConnection(abort or not self.writable)

    def connectionLost(self, reason: Failure) -> None:
        self.left()
        self.factory.lost(self)
        self._connectionLost(reason)

    def _onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        receiver: IReceiver | None = self.__dict__.pop("receiver", None)
        if receiver is not None and self._opened:
            receiver.connection_lost(NO_CODE if code is None else code, (reason or "") if wasClean else self._cut_for)

    def keep_alive(self) -> None:
        """Called once per ``ping_interval`` or ``ping_timeout``: ping the silent, cut those that stay silent."""
        if self.heard:
            self.heard = self._pinged = False
            self.factory.listening.start(self)
        elif self._pinged:
            self.abort(PING_TIMEOUT)
        else:
            self._pinged = True
            self.sendPing()
            self.factory.answering.start(self)


def _cut(reason: str) -> bytes:
    """What of ``reason`` fits into a close frame (RFC 6455, 5.5), without half a character at its end."""
    return reason.encode()[:123].decode(errors="ignore").encode()
