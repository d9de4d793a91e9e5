"""Which clients can be recovered: those that can take an additional argument with each event."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yekta.socketio.handshake import Handshake


def understands(handshake: Handshake) -> bool:
    """Whether a client is JavaScript's, or says ``recover`` in its auth or query.

    Clients in other languages hand the additional argument to the application's handlers, which do not expect it.
    """
    if handshake.auth.get("recover") or handshake.query.get("recover") or "pid" in handshake.auth:
        return True
    headers = handshake.headers
    agent = headers.get("user-agent")
    if agent is None:
        # Node's own WebSocket clients name no agent but always offer to compress.
        return "permessage-deflate" in headers.get("sec-websocket-extensions", "")
    return agent.startswith(("Mozilla/", "node"))
