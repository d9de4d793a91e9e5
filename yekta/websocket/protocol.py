"""One WebSocket connection over Autobahn, whose protocol class only this, `outgoing` and `lean` touch.

Autobahn owns RFC 6455: opening and closing handshake, fragments, control frames, compression, violations. This class
adds what a gateway needs around it:

* the common case first: whole masked text frames are taken out of each chunk before Autobahn sees it (`frame`);
* long messages of several clients one after the other, with everybody else between them (`incoming`);
* what is sent together leaves together, and nothing is read while the client does not read (`outgoing`);
* bounds: message size (1009), fragments of a message (1008), bytes waiting for a client that does not read.

It knows nothing of Engine.IO or events; those are its receiver's (:class:`~yekta.websocket.interfaces.IReceiver`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from twisted.python.failure import Failure
from zope.interface import implementer

from yekta.rests import LONG
from yekta.websocket.deflate import PACKED_TEXT, Corrupt, TooLong, unpack
from yekta.websocket.frame import BATCH, CLOSE, PACKED_BATCH, TEXT, Utf8, frame, goodbye, short_reason, take_texts
from yekta.websocket.incoming import Incoming
from yekta.websocket.interfaces import IReceiver, IWebSocket
from yekta.websocket.limits import GOING_AWAY, NO_CLOSE, NO_CODE, NORMAL, PING_TIMEOUT, POLICY, TOO_BIG, VIOLATION
from yekta.websocket.nvx import unmask_long
from yekta.websocket.outgoing import GATHERED, IDLE

_OPEN = Incoming.STATE_OPEN

# What most clients say when they close: its code, and what they are answered, which is the same (RFC 6455, 5.5.1).
_COMMON_GOODBYES = {
    said: (code, frame(CLOSE, said))
    for said, code in ((b"", NO_CODE), *((code.to_bytes(2, "big"), code) for code in (NORMAL, GOING_AWAY)))
}
# A subprotocol that is sent back (RFC 9110, 5.6.2); not a page of text.
_TOKEN = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")

_PACKED_TEXT = bytes((PACKED_TEXT,))

# What each connection has of its own, from its beginning to an ordinary end.
ATTRIBUTES = (
    *("receiver", "left", "connected", "transport", "_at_once", "state", "_waiting", "_size", "_room", "was_open"),
    *("heard", "data", "_goodbye", "_common", "writable", "_perMessageCompress"),
)


@implementer(IWebSocket)
class WebSocket(Incoming):
    """See the module. States are Autobahn's: CONNECTING → OPEN → CLOSING → CLOSED. ``was_open``: it came to OPEN."""

    heard = False
    response_headers: ClassVar[dict[str, str]] = {}
    left: Callable[[], None]
    message_data: list[bytes] | None
    _cut_for = ""
    was_open = False
    _pinged = False
    _fragments = 0
    # The code of the client's close frame, where it was of the common kind.
    _goodbye = 0

    # -- opening ---------------------------------------------------------------------------------------

    def open_at_once(self, answer: bytes, rest: bytes) -> None:
        """Begin open: the opening handshake was done elsewhere (`opening`), and ``answer`` is its 101."""
        self.state = _OPEN
        self._waiting, self._size = [answer], len(answer)
        self._room = GATHERED - self._size
        try:
            self._onOpen()
        finally:
            self._room = IDLE
            self.flush()
        if rest:
            self.dataReceived(rest)

    def onConnect(self, request: Any) -> tuple[str | None, dict[str, str]]:
        """Agree on the first subprotocol: we know none, but browsers give up where they named some and get none."""
        named = request.protocols[:1]
        return (named[0] if named and _TOKEN.fullmatch(named[0]) else None), self.response_headers

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        self.factory.refused()
        super().failHandshake(reason, code, responseHeaders)

    def _onOpen(self) -> None:
        self.transport.registerProducer(self, True)
        self.was_open = True
        self.factory.opened(self)
        self.receiver.opened(self)

    # -- receiving -------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        self.heard = True
        if not self._common or self.data or self.state != _OPEN:
            self._uncommon_received(data)
            return
        self._take(data)
        if self.data and not self._take_goodbye():
            self.consumeData()

    def _uncommon_received(self, data: bytes) -> None:
        if self.state == self.STATE_CLOSED:  # TLS reads on, until that ends as well.
            return
        if self._missing:
            data = self._put_together(data)
        if self.data or len(data) > LONG or not self._expects_a_message:
            # What was put together has this to itself: none of it is copied.
            self.data += data
            self.consumeData()
        elif data:
            self._common = True
            self.dataReceived(data)

    def _take(self, data: bytes, left: Sequence[Utf8] = ()) -> bool:
        """Hand the common frames that ``data`` begins with to the receiver, and keep the rest. Says if there were any.

        A frame that has not arrived whole is kept in parts, so that its bytes are copied once and not once a chunk.
        Where the client does not read, what was taken waits, and is ``left`` for when it does.
        """
        is_packed = self._perMessageCompress is not None and data[:1] == _PACKED_TEXT and not left
        most = self.factory.limits.max_message
        kind, batch = (PACKED_TEXT, PACKED_BATCH) if is_packed else (TEXT, BATCH)
        payloads: Sequence[Utf8]
        payloads, rest, missing = (left, 0, 0) if left else take_texts(data, most, unmask_long, kind, batch)
        if missing:
            self.data, self._parts, self._missing, self._common = b"", [data[rest:]], missing, False
        else:
            self.data = data[rest:]
        if payloads:
            if self._waiting is None:
                self._waiting = []
            self._room = GATHERED - self._size if self._perMessageCompress is None else 0
            try:
                each = iter(payloads)
                for payload in each:
                    if self.state != _OPEN:
                        break
                    if not self.writable:
                        self._unhandled = (payload, *each)
                        break
                    self.receiver.text_received(unpack(payload, most) if is_packed else payload)
            except (UnicodeDecodeError, Corrupt):
                self._invalid_payload("")
            except TooLong:
                self._fail_connection(TOO_BIG, "")
            finally:
                self._room = IDLE
                self.flush()
        return bool(payloads or missing)

    def _take_goodbye(self) -> bool:
        """Answer a close frame of the common kind, as Autobahn does, and say whether it was one."""
        said = goodbye(self.data)
        if said not in _COMMON_GOODBYES or not self._expects_a_message:
            return False
        self._goodbye, answer = _COMMON_GOODBYES[said]
        self.sendData(answer)
        self.state = self.STATE_CLOSED
        self.transport.unregisterProducer()
        self.transport.loseConnection()
        if getattr(self.transport, "unsent", True):  # A client that does not read might never take it.
            self.factory.closing.start(self)
        return True

    def processData(self) -> bool:
        """Take the next batch of common frames, or let Autobahn take one step. False: wait for more."""
        if not self.writable and self.state == _OPEN:
            return False
        more: bool
        if self._unhandled:
            left, self._unhandled, more = self._unhandled, (), True
            if self.state == _OPEN:
                self._take(self.data, left)
        else:
            more = bool(self.data) if self._expects_a_message and self._take(self.data) else super().processData()
        if more and self.factory.rests.due and self.state != self.STATE_CLOSED:
            self.factory.rests.add(self)
            self.transport.pauseProducing()
            return False
        return more

    def onMessageFrameBegin(self, length: int) -> None:
        self._fragments += 1
        if self._fragments > self.factory.limits.max_fragments and not self.failedByMe:
            self._fail_connection(POLICY, "too many fragments")
        super().onMessageFrameBegin(length)

    def onMessageEnd(self) -> None:
        """As Autobahn's, without the Deferred that it makes for every message."""
        data, self.message_data, self._fragments = self.message_data, None, 0
        # What was under way when we closed is no longer wanted: as in a browser, and as in `_take`.
        if self.state != _OPEN:
            return
        payload = b"".join(data or ())
        if self.message_is_binary:
            self.receiver.binary_received(payload)
        else:
            # Autobahn has looked at it: it is UTF-8.
            self.receiver.text_received(payload)

    def _max_message_size_exceeded(self, msg_size: int, max_msg_size: int, reason: str) -> None:
        self._fail_connection(TOO_BIG, "")

    # -- closing ---------------------------------------------------------------------------------------

    def close(self, code: int | None, reason: str = "") -> None:
        if self.state == _OPEN:
            self.sendCloseFrame(code, short_reason(reason) if code is not None else None)

    def sendCloseFrame(self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False) -> None:
        super().sendCloseFrame(code, reasonUtf8, isReply)
        if self.droppedByMe:
            # There was no room for it.
            self.state = self.STATE_CLOSED
        elif self.state == self.STATE_CLOSING:
            self.factory.closing.start(self)
            self._read_on()

    def abort(self, reason: str = "") -> None:
        self._leave_short_way()
        self._waiting, self._size = None, 0
        if self.state != self.STATE_CLOSED:
            self._cut_for = reason
            super().dropConnection(abort=True)
        else:
            # The transport may still be waiting for a client that does not read our goodbye.
            self.transport.abortConnection()

    def dropConnection(self, abort: bool = False) -> None:
        self.flush()
        # Autobahn cuts the connection where a close frame follows ours, which may be on its way still: what breaks the
        # rules is told so in the same turn. Who reads nothing is not waited for; who leaves TLS open, not for long.
        self.factory.closing.start(self)
        super().dropConnection(abort=not self.writable)

    def connectionLost(self, reason: Failure) -> None:
        """As Autobahn's, without its timers, which are off, and without writing down why for a log that is off too."""
        self.left()
        self.factory.lost(self)
        self.state = self.STATE_CLOSED
        if self._goodbye or self.failedByMe:
            # What those answer whom we fail is an echo.
            self._onClose(True, self._goodbye or NO_CLOSE, VIOLATION * self.failedByMe)
        else:
            self._onClose(self.wasClean, self.remoteCloseCode if self.wasClean else NO_CLOSE, self.remoteCloseReason)

    def _onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        receiver: IReceiver | None = self.__dict__.pop("receiver", None)
        if receiver is not None and self.was_open:
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
