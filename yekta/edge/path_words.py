"""The words that paths of ours are made of: all that an access log may show of a path."""

from __future__ import annotations

PATH_WORDS = frozenset(
    (
        *("acquire-session", "ai", "api", "api-docs", "asyncapi.json", "auth", "chat", "console", "conversations"),
        *("health", "live", "login", "logout", "openapi.json", "ready", "register", "session"),
        *("socket.io", "status", "stream", "websocket-info", "ws"),
    )
)
