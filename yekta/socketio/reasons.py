"""Why a socket has left its namespace, in the words of Node's server; those of Engine.IO are its own."""

from __future__ import annotations

from yekta.engineio.connection import FORCED_CLOSE, PING_TIMEOUT, TRANSPORT_CLOSE, TRANSPORT_ERROR

CLIENT_DISCONNECT, SERVER_DISCONNECT = "client namespace disconnect", "server namespace disconnect"
SHUTTING_DOWN, FORCED_SERVER_CLOSE = "server shutting down", "forced server close"

# Those after which a client is expected back.
RECOVERABLE = frozenset(
    (TRANSPORT_ERROR, TRANSPORT_CLOSE, FORCED_CLOSE, PING_TIMEOUT, SHUTTING_DOWN, FORCED_SERVER_CLOSE)
)
