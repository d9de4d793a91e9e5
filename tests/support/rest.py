"""REST requests to a house, in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.support.clients import ABSENT
from tests.support.doors import House
from tests.support.http import Answer

JSON = "application/json; charset=utf-8"


async def call(
    house: House,
    method: str,
    path: str,
    body: Any = ABSENT,
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request; ``body`` is sent as JSON unless it is bytes, ``token`` as ``Authorization: Bearer``."""
    sent = dict(headers or {})
    raw = None
    if body is not ABSENT:
        sent = {"Content-Type": "application/json", **sent}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    return await house.http.request(method, f"http://{house.gateway.api_address}{path}", headers=sent, body=raw)


async def refused(house: House, method: str, path: str, *args: Any, **options: Any) -> tuple[int, str, str]:
    """Status, error and message of an answer that is a refusal in the contract's shape."""
    answer = await call(house, method, path, *args, **options)
    assert answer.headers["content-type"] == JSON
    assert answer.headers["cache-control"] == "no-store"
    refusal = answer.json
    assert refusal.keys() == {"success", "error", "message"}
    assert refusal["success"] is False
    # Whoever is told to come back is told when.
    assert answer.status != 503 or int(answer.headers["retry-after"]) > 0
    return answer.status, refusal["error"], refusal["message"]
