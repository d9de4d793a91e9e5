"""What servers say to each other: Node's kinds of messages (socket.io-adapter's ClusterAdapter), and a few of ours.

A word is for a namespace, and carries a map of plain values. Readers are strict: servers of one cluster may be of
different releases, and whoever is not understood is as if not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs

from yekta import msgpack
from yekta.socketio.adapter import Flags, RemoteSocket, Target
from yekta.socketio.packet import is_event

# As in Node: `MessageType` of socket.io-adapter.
BROADCAST, JOIN, LEAVE, DISCONNECT = 3, 4, 5, 6
FETCH, FETCHED, EMIT, EMITTED, CLIENT_COUNT, ACK = 7, 8, 9, 10, 11, 12

# Ours. HELLO: how many broadcasts have been made, with ``ask``: and of you? NOTHING: a question is not for this server,
# with ``here``: unless it is asked again. TAKE: who has the session of a client that is back? GIVEN: it, and what its
# client missed. LOST: an answer that will not come.
HELLO, NOTHING, TAKE, GIVEN, LOST = 64, 65, 66, 67, 68

# As many sockets are told of in plain; more are packed one by one (`told`).
MANY = 1000

# An event, in Socket.IO's protocol.
_EVENT = 2


class Unreadable(ValueError):
    """Not what servers of this release say. Quotes nothing."""


@attrs.frozen(slots=False)
class Word:
    """``data``'s fields depend on the ``kind``; what is said to a whole server is for the namespace ``""``."""

    kind: int
    namespace: str = ""
    data: dict[str, Any] = attrs.field(factory=dict, repr=False)

    @cached_property
    def text(self) -> bytes:
        """The same as bytes. Raises `msgpack.NotMsgpack` for what cannot be said, or read."""
        return msgpack.encode_readable({"type": self.kind, "nsp": self.namespace, "data": self.data})


def decode(text: bytes) -> Word:
    """The word that was written as `Word.text`. Raises `Unreadable`."""
    try:
        fields = msgpack.decode(text)
    except msgpack.NotMsgpack:
        raise Unreadable from None
    data = as_map(fields)
    return Word(field(data, "type", int), field(data, "nsp", str), as_map(data.get("data")))


def packet(namespace: str, args: Sequence[Any]) -> dict[str, Any]:
    """An event as a packet, which is what a broadcast carries."""
    return {"type": _EVENT, "data": args, "nsp": namespace}


def args_of(data: Mapping[str, Any]) -> list[Any]:
    """The name and the arguments of the event that a broadcast carries."""
    return event(as_map(data.get("packet")).get("data"))


def event(args: Any) -> list[Any]:
    """A name and arguments that clients understand: of another name, one ends its connection. Raises `Unreadable`."""
    if args is None or not is_event(args):
        raise Unreadable
    event: list[Any] = args
    return event


def emitted(data: Mapping[str, Any]) -> list[Any]:
    """What a server emits to all others: a name, which in Node may be a number, and arguments. Raises `Unreadable`."""
    args: list[Any] = field(data, "packet", list)
    if not args or not isinstance(args[0], str | int | float):
        raise Unreadable
    return args


def options(target: Target, flags: Flags) -> dict[str, Any]:
    """The ``opts`` of a word: whom it is for, and how it is to be treated."""
    return {
        "rooms": sorted(target.rooms),
        "except": sorted(target.excluded),
        "flags": {"volatile": flags.volatile, "compress": flags.compress},
    }


def target_of(data: Mapping[str, Any]) -> Target:
    """Whom a word is for, by its ``opts``."""
    opts = as_map(data.get("opts"))
    return Target(frozenset(texts(opts.get("rooms"))), frozenset(texts(opts.get("except"))))


def flags_of(data: Mapping[str, Any]) -> Flags:
    """How a word is to be treated, by its ``opts``."""
    flags = as_map(as_map(data.get("opts")).get("flags"))
    return Flags(volatile=flags.get("volatile") is True, compress=flags.get("compress") is not False)


def described(socket: RemoteSocket) -> dict[str, Any]:
    """What is told of a socket; of its data, what can be said."""
    facts = {"id": socket.id, "handshake": socket.handshake, "rooms": sorted(socket.rooms), "data": socket.data}
    try:
        msgpack.encode_readable(socket.data)
    except msgpack.NotMsgpack:
        facts["data"] = {}
    return facts


def told(sockets: Iterable[RemoteSocket]) -> list[dict[str, Any]] | list[bytes]:
    """What is told of ``sockets``. Many are packed one by one: there is a bound to what one word may hold in plain."""
    facts = [described(each) for each in sockets]
    return facts if len(facts) <= MANY else [msgpack.encode(each) for each in facts]


def socket_of(facts: Any) -> RemoteSocket:
    """A socket, by what is `told` of it. Raises `Unreadable`."""
    try:
        facts = as_map(msgpack.decode(facts) if isinstance(facts, bytes) else facts)
    except msgpack.NotMsgpack:
        raise Unreadable from None
    rooms = frozenset(texts(facts.get("rooms")))
    return RemoteSocket(field(facts, "id", str), rooms, as_map(facts.get("data")), as_map(facts.get("handshake")))


def as_map(value: Any) -> dict[str, Any]:
    """``value``, which must be a map. Raises `Unreadable`."""
    if not isinstance(value, dict):
        raise Unreadable
    return value


def field(data: Mapping[str, Any], name: str, kind: type) -> Any:
    """A field that must be there, and be of a ``kind``. Raises `Unreadable`."""
    value = data.get(name)
    if type(value) is not kind:
        raise Unreadable
    return value


def number_of(word: Word) -> int:
    """Which question ``word`` is, or answers. Raises `Unreadable`."""
    number: int = field(word.data, "requestId", int)
    return number


def texts(value: Any) -> list[str]:
    """A list of text. Raises `Unreadable`."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Unreadable
    return value


def numbers(value: Any) -> dict[str, int]:
    """Numbers by name. Raises `Unreadable`."""
    if not all(isinstance(name, str) and type(number) is int for name, number in as_map(value).items()):
        raise Unreadable
    return as_map(value)
