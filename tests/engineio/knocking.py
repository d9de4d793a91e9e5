"""Asking for a new connection at either door, and what is answered where it is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.engines import Gateway
from tests.support.memory import Answer

POLLING, WEBSOCKET = "EIO=4&transport=polling", "EIO=4&transport=websocket"
DOORS = pytest.mark.parametrize("door", ["polling", "websocket"])

UNKNOWN_TRANSPORT = (400, {"code": 0, "message": "Transport unknown"})
UNKNOWN_SID = (400, {"code": 1, "message": "Session ID unknown"})
BAD_METHOD = (400, {"code": 2, "message": "Bad handshake method"})
BAD_REQUEST = (400, {"code": 3, "message": "Bad request"})
FORBIDDEN = (403, {"code": 4, "message": "Forbidden"})
UNSUPPORTED = (400, {"code": 5, "message": "Unsupported protocol version"})


def knock(gateway: Gateway, door: str, query: str = "", headers: dict[str, str] | None = None) -> Answer:
    """Ask for a new connection at ``door``, which answers at once."""
    query = f"EIO=4&transport={door}{query}"
    if door == "polling":
        return gateway.ask(query, headers=headers or {}).next_answer()
    socket = gateway.websocket(query, headers or {})
    gateway.turn()
    assert socket.answer is not None, "no answer"
    return socket.answer


def gone(gateway: Gateway, sid: str) -> bool:
    """Whether the session is unknown now."""
    answer = gateway.ask(f"{POLLING}&sid={sid}").answer()
    return answer is not None and answer.body == b'{"code":1,"message":"Session ID unknown"}'


def error(answer: Answer | None) -> tuple[int, dict[str, Any]]:
    assert answer is not None
    assert answer.headers["content-type"].startswith("application/json")
    return answer.status, json.loads(answer.body)
