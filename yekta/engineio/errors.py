"""What can go wrong between an Engine.IO client and this server."""

from __future__ import annotations

import attrs


class ProtocolError(ValueError):
    """The other side broke the protocol. The text is for our log and never quotes what was received."""


@attrs.frozen
class Refusal(Exception):
    """A request that is not served: ``code`` and ``message`` as Engine.IO's clients know them, and the HTTP status.

    ``reason`` tells an operator more (the names are Node's); ``retry_after`` is in seconds.
    """

    code: int
    message: str
    status: int = 400
    reason: str | None = None
    retry_after: float | None = None

    @property
    def word(self) -> str:
        """What metrics count it as: one of a few words, whatever a client has sent."""
        return _BY_REASON.get(self.reason or "") or _BY_CODE.get(self.code, "request")


UNKNOWN_TRANSPORT, UNKNOWN_SID, BAD_METHOD, BAD_REQUEST, FORBIDDEN, UNSUPPORTED_PROTOCOL = range(6)

# All but what is wrong with the request itself.
_BY_CODE = {UNKNOWN_SID: "sid", FORBIDDEN: "forbidden"}
_BY_REASON = {"DRAINING": "restarting", "MAX_CONNECTIONS": "full", "MAX_POLLING_PER_ADDRESS": "full"}


def unknown_transport() -> Refusal:
    return Refusal(UNKNOWN_TRANSPORT, "Transport unknown")


def unknown_sid() -> Refusal:
    return Refusal(UNKNOWN_SID, "Session ID unknown")


def bad_method() -> Refusal:
    return Refusal(BAD_METHOD, "Bad handshake method")


def bad_request(reason: str) -> Refusal:
    return Refusal(BAD_REQUEST, "Bad request", reason=reason)


def forbidden(message: str = "Forbidden") -> Refusal:
    return Refusal(FORBIDDEN, message, status=403)


def draining() -> Refusal:
    """This process is about to stop; the next one that listens here will let the client in."""
    return Refusal(FORBIDDEN, "Server is restarting", status=503, reason="DRAINING", retry_after=1)


def full() -> Refusal:
    """There are as many connections as there may be."""
    return Refusal(FORBIDDEN, "Too many connections", status=503, reason="MAX_CONNECTIONS", retry_after=5)


def address_full() -> Refusal:
    """There are as many of the client's own address as there may be."""
    return Refusal(FORBIDDEN, "Too many connections", status=429, reason="MAX_POLLING_PER_ADDRESS", retry_after=5)


def unsupported_protocol() -> Refusal:
    return Refusal(UNSUPPORTED_PROTOCOL, "Unsupported protocol version")
