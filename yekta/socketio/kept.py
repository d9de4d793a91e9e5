"""An event as a history keeps it: as text, since what that is read into takes many times the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yekta import jsontext
from yekta.socketio import packet as packets

if TYPE_CHECKING:
    from yekta.socketio.adapter import Target

# What an event takes besides its text and attachments, in bytes: the objects that hold them, and its place in a list.
OVERHEAD = 256

# What the name of each room takes that an event is for, or not, besides its characters.
ROOM = 128

# What is before each text or attachment, but for the namespace: the heads of a frame and of a packet, in bytes.
HEADS = 96


class Kept:
    """``text``: its name, its arguments and its offset, as JSON, whose ``attachments`` are beside it.

    ``number``, ``time``: its place in the history, and when it came there. ``target``: for whom it was, ``None`` where
    it was said to one socket alone. ``size``: bytes that it takes. ``compress``: worth it where compression is on.
    """

    __slots__ = ("attachments", "compress", "number", "size", "target", "text", "time")

    def __init__(
        self,
        number: int,
        time: float,
        text: bytes,
        attachments: tuple[bytes, ...] = (),
        target: Target | None = None,
        compress: bool = True,
    ) -> None:
        self.number = number
        self.time = time
        self.text = jsontext.COPY % text
        self.attachments = attachments
        self.target = target
        self.compress = compress
        self.size = OVERHEAD + len(text)
        if attachments:
            self.size += sum(OVERHEAD + len(attachment) for attachment in attachments)
        if target is not None:
            for rooms in (target.rooms, target.excluded):
                if rooms:
                    self.size += OVERHEAD + ROOM * len(rooms) + sum(map(len, rooms))

    @property
    def wire_size(self) -> int:
        """At most so many bytes are sent to a client for it, besides the namespace's name."""
        return sum(len(each) + HEADS for each in (self.text, *self.attachments))

    def args(self) -> list[Any]:
        """The name, the arguments and the offset that the text says."""
        args: list[Any] = packets.attach(self.text, self.attachments)
        return args
