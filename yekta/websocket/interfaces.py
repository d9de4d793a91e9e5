"""What a WebSocket connection and its user know of each other."""

from __future__ import annotations

from zope.interface import Attribute, Interface

from yekta.websocket.frame import Utf8
from yekta.websocket.shared import SharedText


class IReceiver(Interface):
    """Whoever is told what arrives on a :class:`~yekta.websocket.protocol.WebSocket`."""

    def opened(websocket: IWebSocket) -> None:
        """The opening handshake is done; from here on ``websocket`` sends."""

    def text_received(text: Utf8) -> None:
        """A whole text message, which should be UTF-8 and was not checked.

        Whoever decodes it lets a :class:`UnicodeDecodeError` pass: it ends the connection with 1007 (8.1).
        """

    def binary_received(data: bytes) -> None:
        """A whole binary message."""

    def drained() -> None:
        """The client has caught up: :attr:`IWebSocket.writable` is true again."""

    def connection_lost(code: int, reason: str) -> None:
        """An open connection is gone. ``code`` is 1005 for a close without code, 1006 for no close at all (7.1.5).

        With 1006, ``reason`` is why we cut it, or empty where the client or the network did. So too where we have ended
        it for breaking the protocol, whatever the client answered.
        """


class IWebSocket(Interface):
    """An open connection, as its user sees it. Everything is a no-op once it is closing."""

    writable: bool = Attribute("False while the client does not read as fast as we write.")
    compressing: bool = Attribute("True where permessage-deflate was agreed on: a frame as it is would be a waste.")
    receiver: IReceiver = Attribute("Who is told what arrives; may be replaced at any time.")

    def send_text(text: str) -> None:
        """Send a text message."""

    def send_binary(data: bytes) -> None:
        """Send a binary message."""

    def send_encoded(text: bytes) -> None:
        """Send a text message that is UTF-8 already."""

    def send_frame(frame: bytes) -> None:
        """Send bytes that are whole frames already (broadcasts frame once for everybody)."""

    def send_shared(shared: SharedText) -> None:
        """Send a text message that many are sent, compressed where that was agreed on and is worth it."""

    def close(code: int | None, reason: str = "") -> None:
        """Begin the closing handshake (7.1.2); the connection is cut where the client does not answer in time."""

    def abort(reason: str = "") -> None:
        """Cut the connection; ``reason`` comes back in `IReceiver.connection_lost`."""
