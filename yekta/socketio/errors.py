"""What can go wrong between a Socket.IO client, this server and the application."""

from __future__ import annotations

from typing import Any


class ProtocolError(ValueError):
    """The client broke the Socket.IO protocol. The text is for our log and never quotes what was received."""


class OutOfPlace(ProtocolError):
    """A packet that is well-formed but does not fit what its client is in now, and may have when it was sent: for a
    namespace that was left meanwhile, or CONNECT to one that was joined meanwhile."""


class ConnectError(Exception):
    """Raised by a middleware to refuse a connection: the client's `connect_error` gets ``message`` and ``data``."""

    def __init__(self, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class AckTimeout(Exception):
    """An acknowledgement did not come in time. ``responses`` are those of a broadcast that did."""

    def __init__(self, responses: list[Any] | None = None) -> None:
        super().__init__("operation has timed out")
        self.responses = [] if responses is None else responses


class Disconnected(Exception):
    """The socket went away before it acknowledged."""
