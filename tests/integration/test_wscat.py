"""The real wscat against both real services, as the guide calls it."""

from __future__ import annotations

import json
import os
import pty
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.node import NODE_MODULES
from tests.support.services import Pair

pytestmark = pytest.mark.needs("node")

WSCAT = str(NODE_MODULES / ".bin" / "wscat")

# Seconds that wscat waits for answers after what it was told to say; the second of them is what ends it.
WAIT = "1"


def wscat(*arguments: str, say: str = "") -> subprocess.CompletedProcess[str]:
    """Run it to its end; it reads no commands."""
    execute = ("--execute", say, "--wait", WAIT) if say else ()
    with silent_terminal() as terminal:
        return subprocess.run(
            [WSCAT, *arguments, *execute], stdin=terminal, capture_output=True, text=True, timeout=20, check=False
        )


@contextmanager
def silent_terminal() -> Iterator[int]:
    """A terminal at which nobody types: at the end of a file wscat would leave."""
    ours, theirs = pty.openpty()
    yield theirs
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("way", ["query", "header"])
@pytest.mark.parametrize(("service", "path"), [("api", "/ws"), ("ws", "/ws"), ("ws", "/"), ("ws", "")])
def test_wscat_talks(pair: Pair, service: str, path: str, way: str) -> None:
    token = pair.acquire()
    url = f"ws://localhost:{getattr(pair, service).port}{path}"
    arguments = {"query": ("-c", f"{url}?token={token}"), "header": ("-c", url, "-H", f"Authorization: Bearer {token}")}
    done = wscat(*arguments[way], say='{"event": "echo", "data": "درود", "id": 1}')
    welcome, echo = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (0, "")
    assert welcome["event"] == "connected"
    assert welcome["data"]["protocol"] == "native-websocket"
    assert (echo["event"], echo["id"], echo["data"]["received"]) == ("echo_response", 1, "درود")


@pytest.mark.parametrize("service", ["api", "ws"])
def test_wscat_is_told_that_it_may_not(pair: Pair, service: str) -> None:
    url = f"ws://localhost:{getattr(pair, service).port}/ws"
    for arguments in (("-c", url), ("-c", f"{url}?token={secrets.token_urlsafe(32)}")):
        done = wscat(*arguments)
        assert done.stderr == "error: Unexpected server response: 401\n"
        assert done.returncode != 0
