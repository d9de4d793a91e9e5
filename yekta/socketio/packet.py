"""Socket.IO packets (Socket.IO protocol 5, "Packet encoding"). Pure.

Text form: ``<type>[<attachments>-][<namespace>,][<id>][JSON]``; bytes in the data travel as attachments, one binary
message each, after the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any

import attrs

from yekta import jsontext
from yekta.socketio.errors import ProtocolError
from yekta.websocket.frame import Utf8

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)

# Names that are the protocol's or the client library's own.
RESERVED = frozenset(("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"))

# Node's bound; each attachment may be as large as a message.
MAX_ATTACHMENTS = 10

# Characters: a longer packet is kept as text while its attachments are missing, and read when they have come. What it
# is read into may take 30 times as much, and they have half a minute.
MAX_KEPT = 16_384

# Lists and objects that are looked through for the places of attachments: some 20 ms. A megabyte of the smallest rows,
# {"x":1,"y":2}, has 75,000.
MAX_SEARCHED = 100_000

# Longer names serve nobody; JavaScript counts exactly up to 2^53.
MAX_NAMESPACE, MAX_ID = 256, 1 << 53

_DIGITS = frozenset("0123456789")


@attrs.define
class Packet:
    """``type`` is never BINARY_EVENT or BINARY_ACK: whether there are attachments is a matter of the data."""

    type: int
    namespace: str = "/"
    data: Any = None
    id: int | None = None


def encode(packet: Packet) -> list[str | bytes]:
    """The messages that carry ``packet``: text first, then its attachments. Raises :class:`ValueError`."""
    text, attachments = (b"", []) if packet.data is None else detach(packet.data)
    kind = str(packet.type)
    if attachments:
        if packet.type not in (EVENT, ACK):
            raise ValueError("only events and acknowledgements have attachments")
        kind = f"{packet.type + (BINARY_EVENT - EVENT)}{len(attachments)}-"
    number = "" if packet.id is None else str(packet.id)
    return [text_head(kind, packet.namespace) + number + text.decode(), *attachments]


def text_head(kind: str | int, namespace: str) -> str:
    """What the text of a packet begins with; ``kind`` is its type, and the number of its attachments if it has any."""
    return f"{kind}" if namespace == "/" else f"{kind}{namespace},"


def detach(data: Any) -> tuple[bytes, list[bytes]]:
    """``data`` as JSON, and the bytes in it as attachments. Raises :class:`ValueError` for what JSON cannot say."""
    attachments: list[bytes] = []

    def take_out(value: Any) -> Any:
        if isinstance(value, bytes | bytearray | memoryview):
            attachments.append(bytes(value))
            return {"_placeholder": True, "num": len(attachments) - 1}
        raise ValueError("not JSON")

    return jsontext.encode_bytes(data, take_out), attachments


def attach(text: bytes, attachments: Sequence[bytes]) -> Any:
    """The data that was written so. Raises :class:`ValueError` where it had looked like a place for an attachment."""
    data = jsontext.decode(text)
    if attachments:
        _reattach(data, attachments)
    return data


def allowed(event: str) -> str:
    """``event``, unless its name is the protocol's own, `ValueError`, or none that others can read, `TypeError`."""
    if type(event) is not str:
        named(event)
    if event in RESERVED:
        raise reserved(event)
    return event


def named(event: str) -> str:
    """``event``, unless nobody can take it for a name: then `TypeError`. Numbers are names, too."""
    if not isinstance(event, str) and not is_event([event]):
        raise TypeError(f"an event must be a str, not {type(event).__name__}")
    return event


def reserved(event: str) -> ValueError:
    """What is wrong with an event of that name."""
    return ValueError(f"{event!r} is a reserved event name")


# The types of packets with attachments.
_BINARY = (str(BINARY_EVENT), str(BINARY_ACK))


class Decoder:
    """Puts packets together from messages. At most one packet is unfinished at a time.

    ``max_bytes`` bounds its attachments together.
    """

    __slots__ = ("_attachments", "_max_attachments", "_max_bytes", "_missing", "_packet", "_received", "waiting")

    def __init__(self, max_attachments: int = MAX_ATTACHMENTS, max_bytes: int = 1_000_000) -> None:
        self._max_attachments = max_attachments
        self._max_bytes = max_bytes
        self._received = 0
        # Whether a packet still waits for attachments.
        self.waiting = False
        self._packet: Packet | str | None = None
        self._attachments: list[bytes] | None = None
        self._missing = 0

    def decode(self, message: str | bytes) -> Packet | None:
        """The packet that ``message`` completes, or ``None`` while attachments are missing.

        Raises :class:`ProtocolError`.
        """
        if isinstance(message, bytes):
            return self._attach(message)
        if self._packet is not None:
            raise ProtocolError("text while attachments are missing")
        packet: Packet | str = message
        if len(message) > MAX_KEPT and message[0] in _BINARY:
            _, self._missing = _attachment_count(message, self._max_attachments)
        else:
            packet, self._missing = decode_text(message, self._max_attachments)
            if not self._missing:
                return packet
        self._packet, self._attachments, self.waiting = packet, [], True
        return None

    def _attach(self, attachment: bytes) -> Packet | None:
        packet, attachments = self._packet, self._attachments
        if packet is None or attachments is None:
            raise ProtocolError("attachment without a packet")
        self._received += len(attachment)
        if self._received > self._max_bytes:
            raise ProtocolError("attachments too large")
        attachments.append(attachment)
        if len(attachments) < self._missing:
            return None
        self._attachments, self._packet, self._received = None, None, 0
        self.waiting = False
        if isinstance(packet, str):
            packet, _ = decode_text(packet, self._max_attachments)
        _reattach(packet.data, attachments)
        check(packet)
        return packet


def decode_plain_event(text: str | Utf8) -> list[Any]:
    """The common case: name and arguments of an event, from the JSON array that is all there is of its data.

    Raises :class:`ProtocolError`, and for bytes that are not UTF-8 :class:`UnicodeDecodeError`.
    """
    try:
        args: list[Any] = jsontext.loads(text)
    except jsontext.Refused:
        args = _decode_json(text if isinstance(text, str) else text.decode())
    if not args or type(args[0]) is not str or args[0] in RESERVED:
        check(Packet(EVENT, data=args))
    return args


def decode_text(text: str, max_attachments: int = MAX_ATTACHMENTS) -> tuple[Packet, int]:
    """A packet, and how many attachments follow. Raises :class:`ProtocolError`."""
    kind = text[:1]
    if kind not in "0123456" or not kind:
        raise ProtocolError("unknown packet type")
    packet = Packet(int(kind))
    start, missing = 1, 0
    if packet.type >= BINARY_EVENT:
        start, missing = _attachment_count(text, max_attachments)
        packet.type -= BINARY_EVENT - EVENT
    if text[start : start + 1] == "/":
        comma = text.find(",", start, start + MAX_NAMESPACE + 1)
        end = len(text) if comma < 0 else comma
        if end - start > MAX_NAMESPACE:
            raise ProtocolError("namespace too long")
        packet.namespace, start = text[start:end], end + 1
    if text[start : start + 1] in _DIGITS:
        packet.id, start = _id(text, start)
    if start < len(text):
        packet.data = _decode_json(text[start:])
        if packet.data is None:
            raise ProtocolError("null data")
    check(packet)
    return packet, missing


def _decode_json(text: str) -> Any:
    try:
        return jsontext.decode(text)
    except jsontext.NotJson:
        raise ProtocolError("broken JSON") from None


def check(packet: Packet) -> None:
    """Whether the data is what the type asks for. Raises :class:`ProtocolError`."""
    data = packet.data
    if not (is_event(data) if packet.type == EVENT else isinstance(data, _DATA[packet.type])):
        raise ProtocolError("wrong data for the packet type")


def is_event(data: Any) -> bool:
    """Whether it is an event's name, which may be a number, and its arguments; or no event at all."""
    if data is None:
        # `42` alone: no event, which Node ignores.
        return True
    if not isinstance(data, list) or not data:
        return False
    name = data[0]
    if isinstance(name, str):
        return name not in RESERVED
    return isinstance(name, int | float) and not isinstance(name, bool)


_DATA: dict[int, type | tuple[type, ...]] = {
    CONNECT: (dict, NoneType),
    DISCONNECT: NoneType,
    # `430` alone: an answer without arguments, as Node takes it.
    ACK: (list, NoneType),
    CONNECT_ERROR: (dict, str),
}


def _attachment_count(text: str, most: int) -> tuple[int, int]:
    # Two digits are enough for any bound worth having; int() of thousands of them is not.
    dash = text.find("-", 1, 5)
    digits = text[1:dash] if dash > 0 else ""
    if not digits or not _DIGITS.issuperset(digits) or not 0 < int(digits) <= most:
        raise ProtocolError("illegal number of attachments")
    return dash + 1, int(digits)


def _id(text: str, start: int) -> tuple[int, int]:
    end = start
    while end < len(text) and text[end] in _DIGITS:
        end += 1
        if end - start > 16:
            raise ProtocolError("illegal id")
    number = int(text[start:end])
    if number > MAX_ID:
        raise ProtocolError("illegal id")
    return number, end


def _reattach(data: Any, attachments: Sequence[bytes]) -> None:
    """Put each attachment where ``data`` has its placeholder.

    Each has one, as clients write them: one attachment in a thousand places would be sent back a thousand times.
    """
    unseen, unplaced = [data] if data else [], dict(enumerate(attachments))
    for _ in range(MAX_SEARCHED):
        if not unseen:
            return
        holder = unseen.pop()
        for place, item in enumerate(holder) if type(holder) is list else holder.items():
            kind = type(item)
            if kind is dict and item.get("_placeholder") is True:
                holder[place] = _attachment(item.get("num"), unplaced)
            elif item and (kind is list or kind is dict):
                unseen.append(item)
    if unseen:
        raise ProtocolError("too much to search for placeholders")


def _attachment(number: Any, unplaced: dict[int, bytes]) -> bytes:
    if type(number) is int and number in unplaced:
        return unplaced.pop(number)
    raise ProtocolError("illegal attachment")
