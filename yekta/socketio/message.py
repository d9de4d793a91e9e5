"""One event on its way to many: encoded once for each wire format, however many receive it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from yekta import jsontext
from yekta.engineio import packet as engine
from yekta.engineio.interfaces import Prepared
from yekta.socketio.packet import BINARY_EVENT, CONNECT, EVENT, Packet, text_head
from yekta.socketio.parser import TEXT, Parser
from yekta.websocket.shared import SharedText

if TYPE_CHECKING:
    from yekta.socketio.kept import Kept

Encoded_co = TypeVar("Encoded_co", covariant=True)


class Format(Protocol[Encoded_co]):
    """A way to write an event, shared by all members that read it. Compared by identity."""

    def encode(self, message: Message) -> Encoded_co:
        """The event of ``message``. Raises :class:`ValueError` for what cannot be said."""


class Message:
    """``args``: the event's name and its arguments. ``id``: the number of the acknowledgement asked for, if any.

    ``volatile``: may be dropped for those who do not keep up. ``compress``: worth it where compression is on.
    ``number``, ``offset``: its place in the history of a namespace that has one, and ``kept`` what is in it.
    """

    __slots__ = ("_encoded", "args", "compress", "id", "kept", "number", "offset", "volatile")

    def __init__(
        self, args: Sequence[Any], *, volatile: bool = False, compress: bool = True, id: int | None = None
    ) -> None:
        self.args = args
        self.volatile = volatile
        self.compress = compress
        self.id = id
        self.number = 0
        self.offset: str | None = None
        self.kept: Kept | None = None
        self._encoded: dict[Format[Any], Any] = {}

    def encoded(self, format: Format[Encoded_co]) -> Encoded_co:
        """This event as ``format`` writes it."""
        encoded: Encoded_co | None = self._encoded.get(format)
        if encoded is None:
            encoded = self._encoded[format] = format.encode(self)
        return encoded


class PreparedPacket:
    """A Socket.IO packet, its attachments among it, as Engine.IO packets and as WebSocket frames."""

    __slots__ = ("_frames", "compress", "packets")
    shared: SharedText | None = None

    def __init__(self, messages: Sequence[str | bytes], compress: bool = True) -> None:
        self.packets: list[engine.Packet] = [
            engine.MESSAGE + message if isinstance(message, str) else message for message in messages
        ]
        self.compress = compress
        self._frames: bytes | None = None

    @property
    def frames(self) -> bytes:
        if self._frames is None:
            self._frames = b"".join(map(engine.framed, self.packets))
        return self._frames


class PreparedText:
    """The same for the common case: one text packet, whose UTF-8 is at hand."""

    __slots__ = ("compress", "frames", "shared")

    def __init__(self, packet: bytes, compress: bool = True) -> None:
        self.compress = compress
        self.shared = SharedText(packet)
        self.frames = self.shared.frame

    @property
    def packets(self) -> list[engine.Packet]:
        return [self.shared.text.decode()]


class EventFormat:
    """A parser's events, for one namespace as its clients spell it; with ``offsets`` for those that recover.

    ``head``: what all plain events begin with, where the parser is the usual one; ``welcome``: what a CONNECT does.
    """

    __slots__ = ("_namespace", "_offsets", "_parser", "head", "welcome")

    def __init__(self, parser: Parser, namespace: str, offsets: bool) -> None:
        self._parser = parser
        self._namespace = namespace
        self._offsets = offsets
        self.head, self.welcome = (
            (engine.MESSAGE + text_head(kind, namespace)).encode() if parser is TEXT else None
            for kind in (EVENT, CONNECT)
        )

    def encode(self, message: Message) -> Prepared:
        args = message.args
        if self._offsets and message.offset is not None and message.id is None:
            if message.kept is not None and self.head is not None:
                return self.again(message.kept)
            args = [*args, message.offset]
        return self.write(args, message.id, message.compress)

    def again(self, event: Kept) -> Prepared:
        """An event of the history. Raises :class:`ValueError` for what the parser cannot say."""
        if self.head is None:
            return self.write(event.args(), None, event.compress)
        if not event.attachments:
            return PreparedText(self.head + event.text, event.compress)
        head = text_head(f"{BINARY_EVENT}{len(event.attachments)}-", self._namespace)
        return PreparedPacket([head + event.text.decode(), *event.attachments], event.compress)

    def write(self, args: Sequence[Any], id: int | None = None, compress: bool = True) -> Prepared:
        """An event by its name and arguments. Raises :class:`ValueError` for what the parser cannot say."""
        if id is None and self.head is not None:
            try:
                return PreparedText(self.head + jsontext.dumps(args), compress)
            except jsontext.Unsayable:
                # Attachments, which the parser knows how to send, or what nobody can say.
                pass
        return PreparedPacket(self._parser.encode(Packet(EVENT, self._namespace, args, id)), compress)
