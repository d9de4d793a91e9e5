"""The access log: what a line has, what it hides, and which requests have one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from twisted.logger import Logger, formatEvent

from tests.edge.test_openapi import ENDPOINTS
from yekta.edge.path_words import PATH_WORDS
from yekta.web.access import AccessLog


def line(method: str, path: str, status: int = 200) -> str | None:
    """What is logged of a request."""
    events: list[Any] = []
    access = AccessLog(PATH_WORDS)
    access._log = Logger("test", observer=events.append)
    access.request(method, path, status, 12, 0.0345, "192.0.2.1")
    return formatEvent(events[0]) if events else None


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/auth/session?token=secret", "/api/auth/session"),
        ("/", "/"),
        ("/health/", "/health/"),
        ("/api/ai/stream/what-i-wrote", "/api/ai/stream/…"),
        ("/what i wrote/health", "/…/health"),
        ("/" * 100, "////////…"),
        ("*", "…"),
    ],
)
def test_a_path_shows_only_words_of_ours(path: str, shown: str) -> None:
    assert line("GET", path) == f"GET {shown} 200 12 B 34 ms 192.0.2.1"


def test_every_route_can_be_shown() -> None:
    for _, route in ENDPOINTS:
        assert line("GET", route) == f"GET {re.sub('{[a-z_]+}', '…', route)} 200 12 B 34 ms 192.0.2.1"


def test_a_method_shows_only_those_that_there_are() -> None:
    assert line("secret", "/") == "… / 200 12 B 34 ms 192.0.2.1"


def test_of_polling_only_refusals_are_told() -> None:
    assert line("GET", "/socket.io/?EIO=4&sid=x") is None
    assert line("GET", "/socket.io/?EIO=4&sid=x", 304) is None
    assert line("GET", "/socket.io/?EIO=4&sid=x", 400) == "GET /socket.io/ 400 12 B 34 ms 192.0.2.1"
    assert line("POST", "/socket.io/?EIO=4&sid=x", 403) == "POST /socket.io/ 403 12 B 34 ms 192.0.2.1"
