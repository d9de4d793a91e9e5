"""What the services say about themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from yekta import __version__

API_NAME, SERVER_NAME, WEBSOCKET_NAME = "YektaYar API", "YektaYar API Server", "YektaYar WebSocket Server"
DESCRIPTION = "Real-time gateway of the YektaYar mental health platform"
FEATURES = {"rest": True, "websocket": True, "authentication": True, "realtime": True}

PROTOCOLS = ["Socket.IO", "Native WebSocket (RFC 6455)"]
TRANSPORTS = ["websocket", "polling"]

SERVER_EVENTS = [
    "connected",
    "pong",
    "status_response",
    "echo_response",
    "info_response",
    "message_received",
    "ai:response:start",
    "ai:response:chunk",
    "ai:response:complete",
    "ai:response:error",
    "ai:streams_response",
    "ai:notice",
    "error",
]


def api() -> dict[str, Any]:
    """``GET /`` of the API service."""
    return {
        "message": SERVER_NAME,
        "name": API_NAME,
        "version": __version__,
        "status": "running",
        "features": {"rest": True, "websocket": True, "sessionAcquisition": True},
    }


def websocket(path: str) -> dict[str, Any]:
    """Anything that is not a WebSocket or Socket.IO request, on the WebSocket service."""
    return {
        "message": WEBSOCKET_NAME,
        "version": __version__,
        "status": "running",
        "features": {"websocket": True},
        "protocols": {
            "socketio": {
                "path": "/socket.io/",
                "description": "Socket.IO 4 (Engine.IO 4)",
                "transports": TRANSPORTS,
            },
            "websocket": {
                "path": path,
                "description": "Native WebSocket (RFC 6455), one JSON text frame per event",
                "authentication": "token in the query, or Authorization: Bearer",
            },
        },
        "usage": {
            "socketio": "io('http://HOST:PORT', {auth: {token: 'SESSION_TOKEN'}})",
            "websocket": f"new WebSocket('ws://HOST:PORT{path}?token=SESSION_TOKEN')",
        },
    }


def connections(path: str, events: Iterable[str]) -> dict[str, Any]:
    """``GET /websocket-info``. ``events``: those that clients may send."""
    return {
        "path": path,
        "socketioPath": "/socket.io/",
        "description": "Socket.IO and native WebSocket connections",
        "documentation": "https://socket.io/docs/v4/",
        "authentication": "Session token: auth.token or ?token= (Socket.IO), ?token= or Authorization: Bearer (native)",
        "protocols": PROTOCOLS,
        "transports": TRANSPORTS,
        "events": {"client": list(events), "server": SERVER_EVENTS},
    }
