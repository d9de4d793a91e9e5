"""A real browser: pages that may connect do, others are refused, and the console works through every door."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.node import NODE_MODULES, TESTS, told
from tests.support.services import Pair, paired
from tests.support.slow_ai import SlowAI

pytestmark = pytest.mark.needs("node", "chromium")

# The default of CORS_ORIGIN, and a page of somebody else's.
ALLOWED = ["http://localhost:5173", "http://localhost:8100"]
FOREIGN = ["http://localhost:5174", "http://evil.localhost:5173"]


def test_pages_of_allowed_origins_connect_and_others_do_not(pair: Pair) -> None:
    urls = [f"ws://localhost:{pair.api.port}/ws", f"ws://localhost:{pair.ws.port}/ws", f"ws://localhost:{pair.ws.port}/"]
    results = told("browser.mjs", urls, pair.acquire(), ALLOWED + FOREIGN, patience=60)
    allowed = len(ALLOWED) * len(urls)
    for result in results[:allowed]:
        assert result["wasClean"] is True
        assert [heard["event"] for heard in result["heard"]] == ["connected", "echo_response"]
        assert result["heard"][1]["data"]["received"] == "سلام"
    assert results[allowed:] == [{"code": 1006, "wasClean": False, "heard": []}] * (len(FOREIGN) * len(urls))


@pytest.fixture
def answered(tmp_path: Path) -> Iterator[Pair]:
    """Both services, whose AI answers at once; the embedded model answers in the console of test_console_resumes."""
    with SlowAI() as ai:
        ai.go_on.set()
        with paired(tmp_path, {"AI_BASE_URL": ai.base_url, "CLOSE_TIMEOUT": "1"}) as pair:
            yield pair


def test_the_console_works_through_every_door_of_both_services(answered: Pair) -> None:
    script = TESTS / "integration" / "console_test.mjs"
    done = subprocess.run(
        ["node", str(script), answered.api_url, answered.ws_url],
        env={**os.environ, "NODE_MODULES_DIR": str(NODE_MODULES)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ok ")
