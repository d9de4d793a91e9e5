"""What a connection, its transports, its user and HTTP know of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from yekta.engineio.packet import Packet
from yekta.websocket.frame import Utf8
from yekta.websocket.shared import SharedText

if TYPE_CHECKING:
    from yekta.engineio.connection import Connection


class Transport(Protocol):
    """One way to carry packets; calls the connection with what arrives."""

    name: str
    connection: Connection

    # Whether packets go out as they come; else they are collected until the end of the reactor turn.
    immediate: bool

    @property
    def express(self) -> Express | None:
        """The fast path of text packets, if there is one."""

    @property
    def writable(self) -> bool:
        """Whether packets can be handed over: always, or while a poll is waiting."""

    @property
    def flowing(self) -> bool:
        """Whether the client takes packets as fast as they come."""

    def send(self, packets: Sequence[Packet], compress: bool = True) -> None:
        """Carry ``packets``, in order; only called while :attr:`writable`. ``compress``: whether it is worth it."""

    def send_prepared(self, prepared: Prepared) -> None:
        """Carry what was encoded once for many connections; only called where :attr:`immediate`."""

    def close(self) -> None:
        """End it in the protocol's way; the packets sent before are delivered first."""

    def abandon(self) -> None:
        """Another transport has taken over, or the connection is gone: forget the connection."""


class Express(Protocol):
    """The fast path, which a WebSocket is."""

    def send_encoded(self, text: bytes) -> None:
        """Carry one text packet that is UTF-8 already."""


class Prepared(Protocol):
    """One message for many recipients, encoded once for each kind of transport."""

    @property
    def packets(self) -> Sequence[Packet]:
        """The message, with its attachments."""

    compress: bool

    @property
    def frames(self) -> bytes:
        """The same as WebSocket frames."""

    @property
    def shared(self) -> SharedText | None:
        """The same as one text message, where it is one."""


class Handler(Protocol):
    """Who uses the connection."""

    def message_received(self, data: Packet) -> None:
        """The data of a MESSAGE packet."""

    def text_received(self, packet: Utf8) -> None:
        """A MESSAGE packet of text by the fast path: with its type before it, and not checked to be UTF-8.

        Lets :class:`UnicodeDecodeError` pass.
        """

    def drained(self) -> None:
        """Nothing is queued: more can be said."""

    def connection_lost(self, reason: str, description: str) -> None:
        """The connection is gone. ``reason`` is one of Node's words, ``description`` is for our log."""


class Exchange(Protocol):
    """One HTTP request that waits for its answer."""

    # Whoever reads it takes it away: it may be long, and is not kept while its packets are handled.
    body: bytes

    def respond(self, status: int, content_type: str, body: bytes, headers: Mapping[str, str] = ...) -> None:
        """Answer, once. A client that is gone does no harm."""

    def respond_payload(self, content_type: str, payload: bytes, *, compress: bool) -> None:
        """Answer a poll; ``compress``: whether that is worth it."""
