"""What a client said, as it arrived, until it is its turn."""

from __future__ import annotations

from collections.abc import Sequence

from yekta.socketio.packet import Packet
from yekta.socketio.parser import Decoder


class Unread:
    """The ``messages`` of one packet. What they are read into may take 30 times as much, and a text that has an emoji
    takes four times its UTF-8."""

    __slots__ = ("_messages", "size")

    def __init__(self, messages: Sequence[str | bytes]) -> None:
        self._messages = [(each.encode(), True) if isinstance(each, str) else (each, False) for each in messages]
        self.size = sum(len(message) for message, _ in self._messages)

    def read(self, decoder: Decoder) -> Packet:
        """The packet; a ``decoder`` like this one has read it before."""
        packet = None
        for message, is_text in self._messages:
            packet = decoder.decode(message.decode() if is_text else message)
        assert packet is not None
        return packet
