"""What a WebSocket connection has received and not handled yet: long frames in parts, and whatever waits for its turn.

To read a megabyte of JSON may take a tenth of a second, which nobody can interrupt. Ten who send such at once keep the
others waiting for one of them, and not for all ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from yekta.rests import LONG
from yekta.websocket.frame import Utf8
from yekta.websocket.outgoing import Outgoing

_OPEN = Outgoing.STATE_OPEN

# So many parts of a frame are joined once they are there: each costs some 40 bytes, however few it brings.
MOST_PARTS = 256


class Incoming(Outgoing):
    """The receiving half of `yekta.websocket.protocol.WebSocket`, as far as it waits."""

    # Autobahn's: what it has of a message that comes in several frames, or that is not text.
    inside_message: bool
    current_frame: Any
    message_data_total_length: int
    # Texts that were taken when the client was seen to read no more; they come before all else that has.
    _unhandled: Sequence[Utf8] = ()
    # Of a long frame that has not arrived whole: what is here, how much of that is joined, how many bytes are missing.
    _parts: list[bytes]
    _joined = 0
    _missing = 0

    def consumeData(self) -> None:
        """As Autobahn's, which may stop within a message; or before the next one, where its turn is over (`rests`).

        A long one is not begun where another has just taken more than a turn."""
        rests = self.factory.rests
        if self in rests:
            return
        if self._is_long and rests.crowded:
            rests.add(self)
            self.transport.pauseProducing()
        else:
            self._consume()

    def _consume(self) -> None:
        rests, is_long = self.factory.rests, self._is_long
        rests.begin()
        super().consumeData()
        if is_long:
            rests.end()
        self._common = not self._missing and self._expects_a_message

    @property
    def _is_long(self) -> bool:
        return len(self.data) > LONG or (self.inside_message and self.message_data_total_length > LONG)

    def go_on(self) -> None:
        """All others have had their turn."""
        if self.state != self.STATE_CLOSED:
            try:
                self._consume()
            except Exception:
                # As Twisted ends whom it reads from where that fails.
                self.abort()
                raise
            if self.writable or self.state != _OPEN:
                self._read_on()

    def _put_together(self, data: bytes) -> bytes:
        """A long frame is on its way. Gives all of it once it is whole, and nothing before."""
        self._parts.append(data)
        self._missing -= len(data)
        if self._missing > 0 and self.state == _OPEN:
            if len(self._parts) - self._joined >= MOST_PARTS:
                # Only the latest, so that each byte is copied once here and once at the end.
                self._parts[self._joined :] = [b"".join(self._parts[self._joined :])]
                self._joined += 1
            return b""
        self._missing = self._joined = 0
        whole, self._parts = b"".join(self._parts), []
        return whole

    @property
    def _expects_a_message(self) -> bool:
        """Whether the next byte begins a message that we may take."""
        is_due = self.current_frame is None and not self.inside_message and not self._unhandled
        return is_due and self.state == _OPEN and self.writable
