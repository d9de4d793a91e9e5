"""A text message for many connections: framed once, and compressed once for each size of window (RFC 7692, 7)."""

from __future__ import annotations

from yekta.websocket.deflate import PACKED, pack_alone
from yekta.websocket.frame import TEXT, frame


class SharedText:
    """``text`` is UTF-8; ``frame`` carries it as it is."""

    __slots__ = ("_packed", "frame", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.frame = frame(TEXT, text)
        self._packed: dict[int, bytes] | None = None

    def packed(self, window_bits: int) -> bytes:
        """The frame that carries it compressed, for whoever has such a window, whatever else was sent there."""
        known = self._packed = {} if self._packed is None else self._packed
        if window_bits not in known:
            known[window_bits] = frame(TEXT | PACKED, pack_alone(self.text, window_bits))
        return known[window_bits]
