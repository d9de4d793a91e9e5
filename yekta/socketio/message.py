"""One event on its way to many: encoded once for each wire format, however many receive it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from yekta.engineio import packet as engine
from yekta.socketio import packet as packets
from yekta.websocket.frame import BINARY, TEXT, frame

Encoded_co = TypeVar("Encoded_co", covariant=True)


class Format(Protocol[Encoded_co]):
    """A way to write an event, shared by all members that read it. Compared by identity."""

    def encode(self, args: Sequence[Any], id: int | None = None) -> Encoded_co:
        """The event ``args`` (its name first). Raises :class:`ValueError` for what cannot be said."""


class Message:
    """``args``: the event's name and its arguments. ``id``: the number of the acknowledgement asked for, if any.

    ``volatile``: may be dropped for those who do not keep up.
    """

    __slots__ = ("_encoded", "args", "id", "volatile")

    def __init__(self, args: Sequence[Any], *, volatile: bool = False, id: int | None = None) -> None:
        self.args = args
        self.volatile = volatile
        self.id = id
        self._encoded: dict[Format[Any], Any] = {}

    def encoded(self, format: Format[Encoded_co]) -> Encoded_co:
        """This event as ``format`` writes it."""
        encoded: Encoded_co | None = self._encoded.get(format)
        if encoded is None:
            encoded = self._encoded[format] = format.encode(self.args, self.id)
        return encoded


class Prepared:
    """A Socket.IO packet as Engine.IO packets, and as WebSocket frames."""

    __slots__ = ("_frames", "packets")

    def __init__(self, messages: Sequence[str | bytes]) -> None:
        self.packets: list[engine.Packet] = [
            engine.MESSAGE + message if isinstance(message, str) else message for message in messages
        ]
        self._frames: bytes | None = None

    @property
    def frames(self) -> bytes:
        if self._frames is None:
            self._frames = b"".join(
                frame(TEXT, packet.encode()) if isinstance(packet, str) else frame(BINARY, packet)
                for packet in self.packets
            )
        return self._frames


class TextFormat:
    """Socket.IO's default parser, for one namespace as its clients spell it."""

    __slots__ = ("namespace",)

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def encode(self, args: Sequence[Any], id: int | None = None) -> Prepared:
        return Prepared(packets.encode(packets.Packet(packets.EVENT, self.namespace, args, id)))
