"""What the Python servers of the comparison say, in the fastest JSON there is for Python."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def echo(data: Any, socket_id: str) -> dict[str, Any]:
    return {"received": data, "timestamp": now(), "socketId": socket_id}


def news(data: Any) -> dict[str, Any]:
    return {"turn": data["turn"], "timestamp": now()}


def chunk(seq: int) -> dict[str, Any]:
    return {"seq": seq, "chunk": "a few words ", "timestamp": now()}


def new_session() -> bytes:
    """A session's token, as POST /api/auth/acquire-session answers it; nothing is stored."""
    expires = (datetime.now(UTC) + timedelta(days=30)).isoformat(timespec="milliseconds")
    return orjson.dumps({"success": True, "data": {"token": secrets.token_urlsafe(32), "expiresAt": expires}})


def frame(event: str, data: Any) -> bytes:
    """A native event."""
    return orjson.dumps({"event": event, "data": data})


class Json:
    """orjson with the signatures that python-socketio's ``json`` option asks for."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)
